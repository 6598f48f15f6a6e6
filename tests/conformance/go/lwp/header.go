package lwp

import "encoding/hex"

// Fingerprint is an opaque name of 16 bytes, compared as a whole.
type Fingerprint [16]byte

// String gives the fingerprint in hexadecimal.
func (f Fingerprint) String() string { return hex.EncodeToString(f[:]) }

// MessageID names a message.
type MessageID [16]byte

// String gives the id in hexadecimal.
func (id MessageID) String() string { return hex.EncodeToString(id[:]) }

// Model is a party to the message. Only its fingerprint decides anything.
type Model struct {
	Fingerprint    Fingerprint
	Name, Revision string
}

// Space is what the latents are points of. Only its fingerprint decides anything.
type Space struct {
	Fingerprint Fingerprint
	Name        string
}

// Header says whose message this is (section 4).
type Header struct {
	MessageID MessageID
	Sender    Model
	Receiver  *Model // nil: anyone who hears the space may read
	Space     Space
}

// Receiver markers.
const (
	receiverAnyone = 0
	receiverNamed  = 1
)

// readHeader is step 5 for the self-contained profile: field by field.
func readHeader(c *cursor) (Header, error) {
	var h Header
	if err := c.copy("message id", h.MessageID[:]); err != nil {
		return Header{}, err
	}
	var err error
	if h.Sender, err = readModel(c, "sender"); err != nil {
		return Header{}, err
	}
	if h.Receiver, err = readReceiver(c); err != nil {
		return Header{}, err
	}
	if err := c.copy("space: fingerprint", h.Space.Fingerprint[:]); err != nil {
		return Header{}, err
	}
	if h.Space.Name, err = c.text("space: name", 1, HeaderName); err != nil {
		return Header{}, err
	}
	return h, nil
}

func readModel(c *cursor, party string) (Model, error) {
	var m Model
	if err := c.copy(party+": fingerprint", m.Fingerprint[:]); err != nil {
		return Model{}, err
	}
	var err error
	if m.Name, err = c.text(party+": name", 1, HeaderName); err != nil {
		return Model{}, err
	}
	if m.Revision, err = c.text(party+": revision", 0, HeaderName); err != nil {
		return Model{}, err
	}
	return m, nil
}

func readReceiver(c *cursor) (*Model, error) {
	at := c.offset()
	marker, err := c.byte("receiver marker")
	if err != nil {
		return nil, err
	}
	switch marker {
	case receiverAnyone:
		return nil, nil
	case receiverNamed:
		receiver, err := readModel(c, "receiver")
		if err != nil {
			return nil, err
		}
		return &receiver, nil
	default:
		return nil, refuse(HeaderReceiver, at, "receiver marker 0 or 1", "%d", marker)
	}
}

// copy fills a field of fixed length.
func (c *cursor) copy(field string, to []byte) error {
	taken, err := c.take(field, uint64(len(to)))
	copy(to, taken)
	return err
}
