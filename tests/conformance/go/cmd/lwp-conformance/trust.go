package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"latentwire/conformance/lwp"
)

// key gives the one of a name.
func (c *checker) key(name string) (*key, error) {
	for i := range c.Keys {
		if c.Keys[i].Name == name {
			return &c.Keys[i], nil
		}
	}
	return nil, fmt.Errorf("the manifest has no key %q", name)
}

// bytes are those of an id and of a half of the key.
func (k *key) bytes(half *string) (id lwp.KeyID, bytes [32]byte, err error) {
	if half == nil {
		return id, bytes, fmt.Errorf("the manifest lacks a half of the key %q", k.Name)
	}
	return id, bytes, errors.Join(parseHex("id", k.ID, id[:]), parseHex("key", *half, bytes[:]))
}

func (c *checker) sealKey(name string) (lwp.SealKey, error) {
	key, err := c.key(name)
	if err != nil {
		return lwp.SealKey{}, err
	}
	if key.Algorithm == lwp.Ed25519.String() {
		id, bytes, err := key.bytes(key.Public)
		if err != nil {
			return lwp.SealKey{}, err
		}
		return lwp.PublicKey(id, bytes)
	}
	id, bytes, err := key.bytes(key.Secret)
	for _, algorithm := range []lwp.SealAlgorithm{lwp.HMACSHA256, lwp.KeyedBLAKE3} {
		if key.Algorithm == algorithm.String() {
			return lwp.SharedKey(id, algorithm, bytes), err
		}
	}
	return lwp.SealKey{}, fmt.Errorf("%s is no algorithm of seals", key.Algorithm)
}

// checkRefusedKey expects a public key to be refused.
func (c *checker) checkRefusedKey(want refusedKey) error {
	var bytes [32]byte
	if err := parseHex("public", want.Public, bytes[:]); err != nil {
		return err
	}
	_, err := lwp.PublicKey(lwp.KeyID{}, bytes)
	return want.compare(err)
}

// checkReceiver gives a receiver its packets, one after the other.
func (c *checker) checkReceiver(receiver receiver) error {
	verifier, err := c.verifier(&receiver)
	if err != nil {
		return err
	}
	routes, err := receiver.Route.routes()
	if err != nil {
		return err
	}
	var failures []error
	for _, want := range receiver.Packets {
		if err := c.checkReceived(verifier, &want, routes); err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", want.File, err))
		}
	}
	return errors.Join(failures...)
}

func (c *checker) verifier(receiver *receiver) (*lwp.Verifier, error) {
	var keys []lwp.SealKey
	for _, name := range receiver.Keys {
		key, err := c.sealKey(name)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	verifier := lwp.NewVerifier(keys...)
	if receiver.MaxSessions != nil {
		verifier.MaxSessions = *receiver.MaxSessions
	}
	if receiver.Announced == nil {
		return verifier, nil
	}
	verifier.AnnouncedOnly()
	for _, announced := range receiver.Announced {
		key, err := c.sealKey(announced.Key)
		if err != nil {
			return nil, err
		}
		var session lwp.SessionID
		if err := parseHex("session", announced.Session, session[:]); err != nil {
			return nil, err
		}
		if err := verifier.Announce(key.ID, session); err != nil {
			return nil, err
		}
	}
	return verifier, nil
}

func (c *checker) checkReceived(verifier *lwp.Verifier, want *received, routes map[uint32]lwp.Route) error {
	bytes, err := c.read(want.File)
	if err != nil {
		return err
	}
	packet, seal, err := verifier.Verify(bytes, routes, c.limits)
	if err != nil || want.Error != nil {
		return want.compare(err)
	}
	got := accepted{
		Algorithm: seal.Algorithm.String(),
		KeyID:     hex.EncodeToString(seal.Key[:]),
		Session:   hex.EncodeToString(seal.Session[:]),
		Sequence:  strconv.FormatUint(seal.Sequence, 10),
		Cuts:      []cut{}, // as JSON has it: empty, not missing
		Digest:    want.Digest,
	}
	for _, found := range seal.Cuts {
		got.Cuts = append(got.Cuts, cut{found.Tensor, found.Rows})
	}
	return errors.Join(
		compare("seal", want.accepted, got),
		c.compareDigest(want.Digest, packet, routes),
	)
}

// checkEncrypted opens a packet and reads what is inside.
func (c *checker) checkEncrypted(want encryptedPacket) error {
	key, err := c.key(want.Key)
	if err != nil {
		return err
	}
	id, secret, err := key.bytes(key.Secret)
	if err != nil {
		return err
	}
	packet, err := c.read(want.File)
	if err != nil {
		return err
	}
	opened, err := lwp.Open(packet, &lwp.EnvelopeKey{ID: id, Key: secret}, c.limits)
	if err != nil || want.Opened == nil {
		return errors.Join(compare("opened", want.Opened != nil, err == nil), want.compare(err))
	}
	inside, err := c.read(*want.Opened)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, inside) {
		return fmt.Errorf("expected %X inside, found %X", inside, opened)
	}
	if _, err := lwp.Decode(packet, c.limits); !errors.Is(err, lwp.PreambleProfile) {
		return fmt.Errorf("expected %s without a key, found: %v", lwp.PreambleProfile, err)
	}
	_, err = lwp.Decode(opened, c.limits)
	return want.compare(err)
}
