package main

import (
	"encoding/hex"
	"fmt"

	"latentwire/conformance/lwp"
)

// agreedRoutes gives what the two hosts of a compact packet have agreed on: its route, whose sender,
// receiver and space are those of the header.
func agreedRoutes(v *validVector) (map[uint32]lwp.Route, error) {
	if v.Route == nil {
		return nil, nil
	}
	var r lwp.Route
	if err := parseHex("message_prefix", v.Route.MessagePrefix, r.MessagePrefix[:]); err != nil {
		return nil, err
	}
	if err := parseModel("sender", &v.Sender, &r.Sender); err != nil {
		return nil, err
	}
	if v.Receiver != nil {
		r.Receiver = new(lwp.Model)
		if err := parseModel("receiver", v.Receiver, r.Receiver); err != nil {
			return nil, err
		}
	}
	r.Space.Name = v.Space.Name
	if err := parseHex("space", v.Space.Fingerprint, r.Space.Fingerprint[:]); err != nil {
		return nil, err
	}
	if v.Route.Codebook != "" {
		r.Codebook = new(lwp.Fingerprint)
		if err := parseHex("codebook", v.Route.Codebook, r.Codebook[:]); err != nil {
			return nil, err
		}
	}
	return map[uint32]lwp.Route{v.Route.ID: r}, nil
}

func parseModel(field string, from *model, to *lwp.Model) error {
	to.Name, to.Revision = from.Name, from.Revision
	return parseHex(field, from.Fingerprint, to.Fingerprint[:])
}

// parseHex fills to with the manifest's hexadecimal.
func parseHex(field, digits string, to []byte) error {
	bytes, err := hex.DecodeString(digits)
	if err != nil || len(bytes) != len(to) {
		return fmt.Errorf("the manifest's %s is not %d bytes in hexadecimal: %q", field, len(to), digits)
	}
	copy(to, bytes)
	return nil
}
