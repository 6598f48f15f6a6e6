package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// vectors is the folder of version 1.0.
const vectors = "../../../v1.0"

func runOn(folders ...string) (code int, stdout, stderr string) {
	var out, err strings.Builder
	code = run(folders, &out, &err)
	return code, out.String(), err.String()
}

func TestVectorsPass(t *testing.T) {
	code, stdout, stderr := runOn(vectors)
	if code != exitPassed || strings.Contains(stdout, "FAIL") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
}

// changed is a folder with three of the vectors, and a manifest in which a text has been replaced.
func changed(t *testing.T, before, after string) string {
	t.Helper()
	m, err := readManifest(vectors)
	if err != nil {
		t.Fatal(err)
	}
	m.Valid = slices.DeleteFunc(m.Valid, func(v validVector) bool {
		return v.File != "valid/higher-minor-version.lwp"
	})
	m.Invalid = slices.DeleteFunc(m.Invalid, func(v invalidVector) bool {
		return v.File != "invalid/flipped-bit.lwp" && v.File != "invalid/other-major.lwp"
	})
	m.Resources = nil // none of the three needs any
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("the manifest has no %s: %s", before, text)
	}
	folder := t.TempDir()
	write(t, folder, "manifest.json", []byte(strings.Replace(string(text), before, after, 1)))
	for _, file := range []string{m.Valid[0].File, m.Invalid[0].File, m.Invalid[1].File} {
		packet, err := os.ReadFile(filepath.Join(vectors, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, folder, file, packet)
	}
	return folder
}

func write(t *testing.T, folder, file string, text []byte) {
	t.Helper()
	path := filepath.Join(folder, file)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the manifest promises and a packet does not keep is found, field by field.
func TestDifferencesAreFound(t *testing.T) {
	for _, c := range []struct{ name, before, after, line string }{
		{"version", `"version":"1.9"`, `"version":"1.0"`, `version: expected "1.0", found "1.9"`},
		{"sender", `"name":"tiny-llama"`, `"name":"tiny-alpaca"`, "sender: expected"},
		{"shape", `"shape":[5]`, `"shape":[1,5]`, "tensor 0: shape: expected [1,5], found [5]"},
		{"number of numbers", `"latents_f32_le":"`, `"latents_f32_le":"00000000`, "latents: expected 6, found 5"},
		{"a number", `"latents_f32_le":"4e`, `"latents_f32_le":"4f`, `latents: number 0: expected "4f`},
		{"number of tensors", `"tensors":[`, `"tensors":[{},`, "tensors: expected 2, found 1"},
		{"id", `"error":"checksum.mismatch"`, `"error":"packet.truncated"`,
			"expected packet.truncated, found: checksum.mismatch"},
		{"offset", `"error":"preamble.major","offset":4`, `"error":"preamble.major","offset":5`,
			"expected byte 5, found: preamble.major: byte 4"},
		{"no offset", `"error":"preamble.major","offset":4`, `"error":"preamble.major","offset":null`,
			"expected no offset, found: preamble.major: byte 4"},
		{"no refusal", `"file":"invalid/flipped-bit.lwp"`, `"file":"valid/higher-minor-version.lwp"`, "but the packet was read"},
		{"no file", `"file":"invalid/flipped-bit.lwp"`, `"file":"invalid/nowhere.lwp"`, "nowhere.lwp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, stdout, _ := runOn(changed(t, c.before, c.after))
			if code != exitFailed || strings.Count(stdout, "FAIL") != 1 || !strings.Contains(stdout, c.line) {
				t.Errorf("exit code %d\n%s", code, stdout)
			}
		})
	}
}

func TestManifestsThatCannotBeRead(t *testing.T) {
	for name, folders := range map[string][]string{
		"no folder":          nil,
		"no manifest":        {t.TempDir()},
		"an unknown promise": {changed(t, `"file"`, `"mime":"","file"`)},
	} {
		t.Run(name, func(t *testing.T) {
			if code, stdout, stderr := runOn(folders...); code != exitUsage || stderr == "" {
				t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
			}
		})
	}
}
