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

// changed is the folder of the vectors, with a manifest of one vector of a kind in which a text has been
// replaced. The other vectors are linked to.
func changed(t *testing.T, before, after string) string {
	t.Helper()
	m, err := readManifest(vectors)
	if err != nil {
		t.Fatal(err)
	}
	m.Valid = only(m.Valid, func(v validVector) string { return v.File }, "valid/higher-minor-version.lwp")
	m.Digests = only(m.Digests, func(v digest) string { return v.File }, "valid/higher-minor-version.lwp")
	m.Invalid = only(m.Invalid, func(v refusedFile) string { return v.File }, "invalid/flipped-bit.lwp", "invalid/other-major.lwp")
	m.RefusedTables = only(m.RefusedTables, func(v refusedFile) string { return v.File }, "tables/empty.tables")
	m.RefusedKeys = m.RefusedKeys[:1]
	m.Sealed = only(m.Sealed, func(v receiver) string { return v.Name }, "replay", "both tensors cut")
	m.Encrypted = only(m.Encrypted, func(v encryptedPacket) string { return v.File }, "encrypted/self-contained.lwp")
	m.Streams = only(m.Streams, func(v stream) string { return v.File }, "streams/torn-in-header.lwp")
	m.Indexes = only(m.Indexes, func(v index) string { return v.File }, "indexes/before-an-append.idx")
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), before) {
		t.Fatalf("the manifest has no %s: %s", before, text)
	}
	folder := t.TempDir()
	write(t, folder, "manifest.json", []byte(strings.Replace(string(text), before, after, 1)))
	for _, kind := range []string{"valid", "invalid", "tables", "sealed", "encrypted", "streams", "indexes", "resources"} {
		target, err := filepath.Abs(filepath.Join(vectors, kind))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(folder, kind)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// only keeps the vectors of these names.
func only[V any](all []V, name func(V) string, names ...string) []V {
	return slices.DeleteFunc(all, func(v V) bool { return !slices.Contains(names, name(v)) })
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
		{"no refusal", `"file":"invalid/flipped-bit.lwp"`, `"file":"valid/higher-minor-version.lwp"`, "but it was read"},
		{"digest", `"digest":"`, `"digest":"00`, "digest: expected"},
		{"sequence", `"sequence":"0"`, `"sequence":"1"`, "seal: expected"},
		{"session", `"session":"73`, `"session":"74`, "seal: expected"},
		{"a replay", `"error":"seal.replay"`, `"error":"seal.tag"`, "expected seal.tag, found: seal.replay"},
		{"cuts", `"rows":4`, `"rows":5`, "seal: expected"},
		{"no acceptance", `"sealed/hmac-1.lwp","error":null`, `"sealed/hmac-1.lwp","error":"seal.tag"`, "but it was read"},
		{"another key", `"keys":["hmac-sha-256"]`, `"keys":["hmac-sha-256-other"]`, "seal.tag"},
		{"no key", `"keys":["hmac-sha-256"]`, `"keys":["nobody"]`, `no key "nobody"`},
		{"what is inside", `"opened":"valid/f32-rank-1.lwp"`, `"opened":"valid/int8-zeros.lwp"`, "inside, found"},
		{"nothing inside", `"opened":"valid/f32-rank-1.lwp"`, `"opened":null`, "opened: expected false, found true"},
		{"part", `"end":106`, `"end":107`, "parts: expected"},
		{"torn", `"torn":true`, `"torn":false`, "parts: expected"},
		{"index of a stream", `"index":"streams/torn-in-header.lwp.idx"`, `"index":"streams/no-packet.lwp.idx"`, "index: expected"},
		{"extended index", `"extended":"streams/every-profile.lwp.idx"`, `"extended":"indexes/of-nothing-yet.idx"`, "extended: expected"},
		{"another stream", `"stream":"streams/every-profile.lwp"`, `"stream":"streams/no-packet.lwp"`, "index.stale"},
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

// A kind without vectors would pass whatever the decoder does.
func TestEveryKindHasVectors(t *testing.T) {
	folder := changed(t, "", "")
	m, err := readManifest(folder)
	if err != nil {
		t.Fatal(err)
	}
	m.Encrypted = nil
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	write(t, folder, "manifest.json", text)
	if code, _, stderr := runOn(folder); code != exitUsage || !strings.Contains(stderr, `"encrypted"`) {
		t.Errorf("exit code %d\n%s", code, stderr)
	}
}
