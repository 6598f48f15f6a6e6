// Command lwp-conformance tries package lwp on the conformance vectors.
//
//	lwp-conformance FOLDER...
//
// A folder has a manifest.json and the packets that it names. Every failing vector is one line, and
// every folder ends with a summary. The exit code is 1 if a vector fails and 2 if the vectors cannot
// be read.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// Exit codes.
const (
	exitPassed = 0
	exitFailed = 1
	exitUsage  = 2
)

func run(folders []string, stdout, stderr io.Writer) int {
	if len(folders) == 0 {
		fmt.Fprintln(stderr, "usage: lwp-conformance FOLDER...")
		return exitUsage
	}
	code := exitPassed
	for _, folder := range folders {
		passed, err := checkFolder(folder, stdout)
		if err != nil {
			fmt.Fprintln(stderr, err)
			return exitUsage
		}
		if !passed {
			code = exitFailed
		}
	}
	return code
}

// checkFolder tries every vector of a folder and says whether all of them pass.
func checkFolder(folder string, stdout io.Writer) (bool, error) {
	m, err := readManifest(folder)
	if err != nil {
		return false, err
	}
	resources, err := readResources(folder, m.Resources)
	if err != nil {
		return false, err
	}
	valid := count(m.Valid, func(v validVector) bool {
		return report(stdout, v.File, checkValid(folder, resources, v))
	})
	invalid := count(m.Invalid, func(v invalidVector) bool {
		return report(stdout, v.File, checkInvalid(folder, resources, v))
	})
	fmt.Fprintf(stdout, "%s: %d of %d valid and %d of %d invalid vectors pass\n",
		filepath.Base(folder), valid, len(m.Valid), invalid, len(m.Invalid))
	return valid == len(m.Valid) && invalid == len(m.Invalid), nil
}

// count counts the vectors that pass.
func count[V any](vectors []V, passes func(V) bool) int {
	total := 0
	for _, vector := range vectors {
		if passes(vector) {
			total++
		}
	}
	return total
}

// report prints a failure and says whether there was none.
func report(stdout io.Writer, file string, failure error) bool {
	if failure != nil {
		line := strings.ReplaceAll(failure.Error(), "\n", "; ") // several findings are joined by line breaks
		fmt.Fprintf(stdout, "FAIL %s: %s\n", file, line)
	}
	return failure == nil
}
