package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"latentwire/conformance/lwp"
)

// checker has what the vectors of a folder are read with.
type checker struct {
	*manifest
	folder    string
	resources lwp.Resources
	limits    lwp.Limits
}

func newChecker(folder string) (*checker, error) {
	m, err := readManifest(folder)
	if err != nil {
		return nil, err
	}
	resources, err := readResources(folder, m.Resources)
	if err != nil {
		return nil, err
	}
	return &checker{m, folder, resources, lwp.RecommendedLimits()}, nil
}

// read gives the bytes of a file.
func (c *checker) read(file string) ([]byte, error) {
	return os.ReadFile(filepath.Join(c.folder, file))
}

// checkValid decodes a packet and compares everything that the manifest says of it.
func (c *checker) checkValid(want validVector) error {
	routes, err := agreedRoutes(&want)
	if err != nil {
		return err
	}
	got, err := c.describe(want.File, routes)
	if err != nil {
		return err
	}
	return errors.Join(
		compare("version", want.Version, got.Version),
		compare("message_id", want.MessageID, got.MessageID),
		compare("sender", want.Sender, got.Sender),
		compare("receiver", want.Receiver, got.Receiver),
		compare("space", want.Space, got.Space),
		compare("route", want.Route, got.Route),
		compare("sections", want.Sections, got.Sections),
		compareTensors(want.Tensors, got.Tensors),
	)
}

// checkDigest computes the digest of the content of a valid packet.
func (c *checker) checkDigest(want digest) error {
	for _, vector := range c.Valid {
		if vector.File != want.File {
			continue
		}
		routes, err := agreedRoutes(&vector)
		if err != nil {
			return err
		}
		bytes, err := c.read(want.File)
		if err != nil {
			return err
		}
		packet, err := lwp.Decode(bytes, c.limits)
		if err != nil {
			return err
		}
		return c.compareDigest(want.Digest, packet, routes)
	}
	return errors.New("this is no valid packet of the manifest")
}

func (c *checker) compareDigest(want string, packet *lwp.Packet, routes map[uint32]lwp.Route) error {
	digest, err := packet.Digest(c.resources, routes, c.limits)
	if err != nil {
		return err
	}
	return compare("digest", want, hex.EncodeToString(digest[:]))
}

// checkInvalid expects a packet to be refused by the id of the manifest and at its offset.
func (c *checker) checkInvalid(want refusedFile) error {
	_, err := c.describe(want.File, nil)
	return want.compare(err)
}

// checkRefusedTables does so with a file of tables.
func (c *checker) checkRefusedTables(want refusedFile) error {
	bytes, err := c.read(want.File)
	if err != nil {
		return err
	}
	_, err = lwp.ParseTables(bytes)
	return want.compare(err)
}

// compare holds what was found against the manifest.
func (o *outcome) compare(err error) error {
	var refusal *lwp.Error
	switch {
	case o.Error == nil:
		return err
	case err == nil:
		return fmt.Errorf("expected %s, but it was read", *o.Error)
	case !errors.As(err, &refusal):
		return err
	case string(refusal.ID) != *o.Error:
		return fmt.Errorf("expected %s, found: %w", *o.Error, refusal)
	case o.Offset == nil && refusal.Offset != lwp.NoOffset:
		return fmt.Errorf("expected no offset, found: %w", refusal)
	case o.Offset != nil && *o.Offset != refusal.Offset:
		return fmt.Errorf("expected byte %d, found: %w", *o.Offset, refusal)
	}
	return nil
}
