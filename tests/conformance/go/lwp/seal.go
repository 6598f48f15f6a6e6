package lwp

import (
	"encoding/binary"
	"fmt"
)

// SealAlgorithm says how the tag of a seal is made (section 13.1).
type SealAlgorithm byte

// The algorithms of section 13.1.
const (
	HMACSHA256  SealAlgorithm = 1
	KeyedBLAKE3 SealAlgorithm = 2
	Ed25519     SealAlgorithm = 3
)

var sealAlgorithmNames = map[SealAlgorithm]string{
	HMACSHA256: "hmac-sha-256", KeyedBLAKE3: "blake3", Ed25519: "ed25519",
}

// String gives the name of the algorithm.
func (a SealAlgorithm) String() string {
	if name, known := sealAlgorithmNames[a]; known {
		return name
	}
	return fmt.Sprintf("algorithm %d", byte(a))
}

// tagBytes is how long its tags are.
func (a SealAlgorithm) tagBytes() uint64 {
	if a == Ed25519 {
		return 64
	}
	return 32
}

// KeyID names a key.
type KeyID [8]byte

// SessionID names the packets of one sealer.
type SessionID [16]byte

// Cut is a tensor that has lost rows since its packet was sealed.
type Cut struct {
	// Tensor counts latent sections from 0.
	Tensor uint32
	// Rows are those that it had.
	Rows uint32

	next link // of the first row that is gone
}

// Seal is what a seal says. Nobody has verified it but [Verifier.Verify].
type Seal struct {
	Algorithm SealAlgorithm
	Key       KeyID
	Session   SessionID
	Sequence  uint64
	Cuts      []Cut

	claims []byte // algorithm to sequence as they stand
	tag    []byte
	at     int
}

// readSeal takes step 1 of section 13.1.3: that there is a seal, and its fields.
func readSeal(p *Packet) (*Seal, error) {
	for _, section := range p.Sections {
		if section.Type == TypeSeal {
			return readSealBody(section.cursor(), p.Latents)
		}
	}
	return nil, refuse(SealMissing, NoOffset, "a seal", "none")
}

func readSealBody(c *cursor, tensors []*Latents) (*Seal, error) {
	s := &Seal{at: c.offset()}
	algorithm, err := c.byte("algorithm of the seal")
	if err != nil {
		return nil, err
	}
	s.Algorithm = SealAlgorithm(algorithm)
	if _, known := sealAlgorithmNames[s.Algorithm]; !known {
		return nil, refuse(SealAlgorithmUnknown, s.at, "algorithm 1, 2 or 3", "%d", algorithm)
	}
	if err := c.copy("key id", s.Key[:]); err != nil {
		return nil, err
	}
	if err := c.copy("session", s.Session[:]); err != nil {
		return nil, err
	}
	sequence, err := c.take("sequence", 8)
	if err != nil {
		return nil, err
	}
	s.Sequence = binary.LittleEndian.Uint64(sequence)
	s.claims = c.bytes[:c.next]
	if err := s.readCuts(c, tensors); err != nil {
		return nil, err
	}
	if s.tag, err = c.take("tag", s.Algorithm.tagBytes()); err != nil {
		return nil, err
	}
	if c.left() > 0 {
		return nil, refuse(SealLayout, c.offset(), "the end of the seal", "%d more bytes", c.left())
	}
	return s, nil
}

// readCuts reads at most one cut for each tensor; each takes more than 32 bytes of the seal.
func (s *Seal) readCuts(c *cursor, tensors []*Latents) error {
	at := c.offset()
	count, err := c.varint("number of cuts")
	if err != nil {
		return err
	}
	if uint64(count) > uint64(len(tensors)) {
		return refuse(SealLayout, at, fmt.Sprintf("at most %d cuts", len(tensors)), "%d", count)
	}
	next := uint64(0) // the first tensor that the next cut may be of
	for range count {
		cut, err := readCut(c, tensors, next)
		if err != nil {
			return err
		}
		s.Cuts = append(s.Cuts, cut)
		next = uint64(cut.Tensor) + 1
	}
	return nil
}

func readCut(c *cursor, tensors []*Latents, first uint64) (Cut, error) {
	var cut Cut
	var err error
	at := c.offset()
	if cut.Tensor, err = c.varint("tensor of a cut"); err != nil {
		return Cut{}, err
	}
	if uint64(cut.Tensor) < first || uint64(cut.Tensor) >= uint64(len(tensors)) {
		return Cut{}, refuse(SealLayout, at, fmt.Sprintf("a tensor from %d on of %d", first, len(tensors)), "%d", cut.Tensor)
	}
	tensor := tensors[cut.Tensor]
	if tensor.Stage != Stored || len(tensor.Shape) == 1 {
		return Cut{}, refuse(SealLayout, at, "a cut of a stored tensor with more than one axis", "tensor %d", cut.Tensor)
	}
	at = c.offset()
	if cut.Rows, err = c.varint("rows before a cut"); err != nil {
		return Cut{}, err
	}
	if cut.Rows <= tensor.cutRows() {
		return Cut{}, refuse(SealLayout, at, fmt.Sprintf("more than the %d rows that are left", tensor.cutRows()), "%d", cut.Rows)
	}
	return cut, c.copy("link of a cut", cut.next[:])
}

// cutOf gives the cut of a tensor, if there is one.
func (s *Seal) cutOf(tensor int) *Cut {
	for i := range s.Cuts {
		if int(s.Cuts[i].Tensor) == tensor {
			return &s.Cuts[i]
		}
	}
	return nil
}
