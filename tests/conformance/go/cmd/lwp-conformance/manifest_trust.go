package main

// key is one of a seal or of an encrypted packet.
type key struct {
	Name      string  `json:"name"`
	Algorithm string  `json:"algorithm"`
	ID        string  `json:"id"`
	Secret    *string `json:"secret"`
	Public    *string `json:"public"`
}

// refusedKey is a public key that is none.
type refusedKey struct {
	Algorithm string `json:"algorithm"`
	Public    string `json:"public"`
	outcome
}

// receiver is who is given sealed packets, one after the other.
type receiver struct {
	Name        string      `json:"name"`
	Keys        []string    `json:"keys"`
	Announced   []announced `json:"announced"` // nil: any session is accepted
	MaxSessions *int        `json:"max_sessions"`
	Route       *fullRoute  `json:"route"`
	Packets     []received  `json:"packets"`
}

type announced struct {
	Key     string `json:"key"`
	Session string `json:"session"`
}

// fullRoute is everything that a route stands for.
type fullRoute struct {
	route
	Sender   model  `json:"sender"`
	Receiver *model `json:"receiver"`
	Space    space  `json:"space"`
}

// received is a sealed packet, and what its receiver has to make of it.
type received struct {
	File string `json:"file"`
	outcome
	accepted
}

// accepted is what a seal says that holds.
type accepted struct {
	Algorithm string `json:"algorithm"`
	KeyID     string `json:"key_id"`
	Session   string `json:"session"`
	Sequence  string `json:"sequence"`
	Cuts      []cut  `json:"cuts"`
	Digest    string `json:"digest"`
}

type cut struct {
	Tensor uint32 `json:"tensor"`
	Rows   uint32 `json:"rows"`
}

// encryptedPacket is opened with a key. If that succeeds, the finding is about what is inside.
type encryptedPacket struct {
	File   string  `json:"file"`
	Key    string  `json:"key"`
	Opened *string `json:"opened"`
	outcome
}
