package main

import (
	"fmt"
	"os"
	"path/filepath"

	"latentwire/conformance/lwp"
)

// readResources reads what readers are given beside the packets. Fingerprints are the manifest's.
func readResources(folder string, files []resource) (lwp.Resources, error) {
	resources := lwp.Resources{
		Dictionaries: map[lwp.Fingerprint][]byte{},
		Tables:       map[lwp.Fingerprint]*lwp.Tables{},
	}
	for _, file := range files {
		bytes, err := os.ReadFile(filepath.Join(folder, file.File))
		if err != nil {
			return lwp.Resources{}, err
		}
		var fingerprint lwp.Fingerprint
		if err := parseHex("fingerprint", file.Fingerprint, fingerprint[:]); err != nil {
			return lwp.Resources{}, err
		}
		switch file.Kind {
		case "dictionary":
			resources.Dictionaries[fingerprint] = bytes
		case "tables":
			tables, err := lwp.ParseTables(bytes)
			if err != nil {
				return lwp.Resources{}, fmt.Errorf("%s: %w", file.File, err)
			}
			resources.Tables[fingerprint] = tables
		default:
			return lwp.Resources{}, fmt.Errorf("%s: unknown kind of resource %q", file.File, file.Kind)
		}
	}
	return resources, nil
}
