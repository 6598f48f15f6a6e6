package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// manifest says what a reader must find in each packet of a folder (../../../README.md).
type manifest struct {
	Format        string            `json:"format"`
	Resources     []resource        `json:"resources"`
	Valid         []validVector     `json:"valid"`
	Digests       []digest          `json:"digests"`
	Invalid       []refusedFile     `json:"invalid"`
	RefusedTables []refusedFile     `json:"refused_tables"`
	Keys          []key             `json:"keys"`
	RefusedKeys   []refusedKey      `json:"refused_keys"`
	Sealed        []receiver        `json:"sealed"`
	Encrypted     []encryptedPacket `json:"encrypted"`
	Streams       []stream          `json:"streams"`
	Indexes       []index           `json:"indexes"`
}

// resource is a file that readers are given beside the packets.
type resource struct {
	Kind        string `json:"kind"`
	File        string `json:"file"`
	Fingerprint string `json:"fingerprint"`
}

// validVector is a packet that every reader must read.
type validVector struct {
	File      string    `json:"file"`
	Version   string    `json:"version"`
	MessageID string    `json:"message_id"`
	Sender    model     `json:"sender"`
	Receiver  *model    `json:"receiver"`
	Space     space     `json:"space"`
	Route     *route    `json:"route"`
	Tensors   []tensor  `json:"tensors"`
	Sections  []section `json:"sections"`

	Canonical bool `json:"canonical"` // for writers, of which there is none here
}

type model struct {
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
	Revision    string `json:"revision"`
}

type space struct {
	Fingerprint string `json:"fingerprint"`
	Name        string `json:"name"`
}

// route is what both ends of a compact packet have agreed on.
type route struct {
	ID            uint32 `json:"id"`
	MessagePrefix string `json:"message_prefix"`
	Codebook      string `json:"codebook"`
	Dictionary    string `json:"dictionary"`
	Tables        string `json:"tables"`
}

// tensor is a latent section. It has latents or codes.
type tensor struct {
	Name        string   `json:"name"`
	Encoding    string   `json:"encoding"`
	Compression string   `json:"compression"`
	Shape       []uint32 `json:"shape"`
	Resource    *string  `json:"resource"`
	Scales      *scales  `json:"scales"`
	Latents     string   `json:"latents_f32_le"`
	Codebook    string   `json:"codebook"`
	Size        uint32   `json:"size"`
	Codes       []uint32 `json:"codes"`

	Given string `json:"given_f32_le"` // for writers
}

type scales struct {
	Granularity string  `json:"granularity"`
	Group       *uint32 `json:"group"`
	Width       string  `json:"width"`
	Asymmetric  bool    `json:"asymmetric"`
}

type section struct {
	Type uint16 `json:"type"`
	Body string `json:"body"`
}

// digest is that of the content of a valid packet.
type digest struct {
	File   string `json:"file"`
	Digest string `json:"digest"`
}

// refusedFile is a packet, or a file of tables, that every reader must refuse.
type refusedFile struct {
	File string `json:"file"`
	outcome
}

// outcome is a finding, or that there is none.
type outcome struct {
	Error  *string `json:"error"`
	Offset *int    `json:"offset"` // nil: the finding has none
}

// readManifest reads a folder's manifest. A field that is not known here is an error: it would
// otherwise be a promise about the packets that nobody checks.
func readManifest(folder string) (*manifest, error) {
	path := filepath.Join(folder, "manifest.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var m manifest
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &m, nil
}
