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
	c, err := newChecker(folder)
	if err != nil {
		return false, err
	}
	tallies := []tally{
		try(stdout, "valid", c.Valid, func(v validVector) string { return v.File }, c.checkValid),
		try(stdout, "digests", c.Digests, func(v digest) string { return "digest of " + v.File }, c.checkDigest),
		try(stdout, "invalid", c.Invalid, func(v refusedFile) string { return v.File }, c.checkInvalid),
		try(stdout, "refused tables", c.RefusedTables, func(v refusedFile) string { return v.File }, c.checkRefusedTables),
		try(stdout, "refused keys", c.RefusedKeys, func(v refusedKey) string { return "key " + v.Public }, c.checkRefusedKey),
		try(stdout, "sealed", c.Sealed, func(v receiver) string { return "receiver " + v.Name }, c.checkReceiver),
		try(stdout, "encrypted", c.Encrypted, func(v encryptedPacket) string { return v.File }, c.checkEncrypted),
		try(stdout, "streams", c.Streams, func(v stream) string { return v.File }, c.checkStream),
		try(stdout, "indexes", c.Indexes, func(v index) string { return v.File }, c.checkIndex),
	}
	passed := true
	var summary []string
	for _, t := range tallies {
		if t.total == 0 {
			return false, fmt.Errorf("%s: there are no vectors of the kind %q", folder, t.kind)
		}
		passed = passed && t.passed == t.total
		summary = append(summary, fmt.Sprintf("%d of %d %s", t.passed, t.total, t.kind))
	}
	fmt.Fprintf(stdout, "%s: %s pass\n", filepath.Base(folder), strings.Join(summary, ", "))
	return passed, nil
}

// tally counts the vectors of a kind, and those that pass.
type tally struct {
	kind          string
	passed, total int
}

// try tries every vector of a kind and prints what fails.
func try[V any](stdout io.Writer, kind string, vectors []V, name func(V) string, check func(V) error) tally {
	t := tally{kind: kind, total: len(vectors)}
	for _, vector := range vectors {
		if report(stdout, name(vector), check(vector)) {
			t.passed++
		}
	}
	return t
}

// report prints a failure and says whether there was none.
func report(stdout io.Writer, file string, failure error) bool {
	if failure != nil {
		line := strings.ReplaceAll(failure.Error(), "\n", "; ") // several findings are joined by line breaks
		fmt.Fprintf(stdout, "FAIL %s: %s\n", file, line)
	}
	return failure == nil
}
