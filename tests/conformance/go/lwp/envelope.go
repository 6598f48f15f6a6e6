package lwp

import (
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// EnvelopeKey opens encrypted packets.
type EnvelopeKey struct {
	ID  KeyID
	Key [chacha20poly1305.KeySize]byte
}

// suiteXChaCha20Poly1305 is the only suite.
const suiteXChaCha20Poly1305 = 1

// Open gives the packet that an encrypted one holds, to the byte (section 13.2). Nobody has read it
// yet. An error is always an [*Error].
func Open(packet []byte, key *EnvelopeKey, limits Limits) ([]byte, error) {
	preamble, c, err := openFrame(packet, limits)
	if err != nil {
		return nil, err
	}
	if err := preamble.checkEncrypted(); err != nil {
		return nil, err
	}
	at := c.offset()
	suite, err := c.byte("suite")
	if err != nil {
		return nil, err
	}
	if suite != suiteXChaCha20Poly1305 {
		return nil, refuse(EnvelopeSuite, at, "suite 1", "%d", suite)
	}
	at = c.offset()
	var id KeyID
	if err := c.copy("key id", id[:]); err != nil {
		return nil, err
	}
	if id != key.ID {
		return nil, refuse(EnvelopeKeyUnknown, at, "a key that is known here", "%X", id)
	}
	session, err := c.take("session", 16)
	if err != nil {
		return nil, err
	}
	number, err := c.take("number", 8)
	if err != nil {
		return nil, err
	}
	at = c.offset()
	encrypted, err := c.take("ciphertext and tag", max(uint64(c.left()), 1+chacha20poly1305.Overhead))
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key.Key[:])
	if err != nil { // the key has the right length
		panic(err)
	}
	plain, err := aead.Open(nil, append(session[:16:16], number...), encrypted, packet[:at])
	if err != nil {
		return nil, refuse(EnvelopeTag, at, "bytes that were encrypted under this key", "others")
	}
	return preamble.inside(plain[0], plain[1:]), nil
}

// checkEncrypted is for a reader with a key what checkFlags is for one without.
func (p *preamble) checkEncrypted() error {
	if profile := p.flags & profileBits; profile != profileEncrypted {
		return refuse(PreambleProfile, p.flagsAt, "profile 2", "%d", profile)
	}
	if p.flags != profileEncrypted {
		return refuse(PreambleFlags, p.flagsAt, "flags with bits 2 to 7 clear", "%08b", p.flags)
	}
	return nil
}

// inside puts the packet together of which these are the flags, and the header and sections.
func (p *preamble) inside(flags byte, content []byte) []byte {
	packet := append([]byte(magic), major, p.minor, flags)
	packet = binary.AppendUvarint(packet, uint64(len(content)+checksumBytes))
	return appendChecksum(append(packet, content...))
}
