package main

import (
	"encoding/hex"
	"fmt"

	"latentwire/conformance/lwp"
)

// agreedRoutes gives what the two hosts of a compact packet have agreed on: its route, whose sender,
// receiver and space are those of the header.
func agreedRoutes(v *validVector) (map[uint32]lwp.Route, error) {
	if v.Route == nil {
		return nil, nil
	}
	agreed := fullRoute{*v.Route, v.Sender, v.Receiver, v.Space}
	return agreed.routes()
}

// routes has the one route, or none.
func (from *fullRoute) routes() (map[uint32]lwp.Route, error) {
	if from == nil {
		return nil, nil
	}
	var r lwp.Route
	if err := parseHex("message_prefix", from.MessagePrefix, r.MessagePrefix[:]); err != nil {
		return nil, err
	}
	if err := parseModel("sender", &from.Sender, &r.Sender); err != nil {
		return nil, err
	}
	if from.Receiver != nil {
		r.Receiver = new(lwp.Model)
		if err := parseModel("receiver", from.Receiver, r.Receiver); err != nil {
			return nil, err
		}
	}
	r.Space.Name = from.Space.Name
	if err := parseHex("space", from.Space.Fingerprint, r.Space.Fingerprint[:]); err != nil {
		return nil, err
	}
	var err error
	if r.Codebook, err = parseNamed("codebook", from.Codebook); err != nil {
		return nil, err
	}
	if r.Dictionary, err = parseNamed("dictionary", from.Dictionary); err != nil {
		return nil, err
	}
	if r.Tables, err = parseNamed("tables", from.Tables); err != nil {
		return nil, err
	}
	return map[uint32]lwp.Route{from.ID: r}, nil
}

// parseNamed reads a fingerprint that may be missing.
func parseNamed(field, digits string) (*lwp.Fingerprint, error) {
	if digits == "" {
		return nil, nil
	}
	named := new(lwp.Fingerprint)
	return named, parseHex(field, digits, named[:])
}

func parseModel(field string, from *model, to *lwp.Model) error {
	to.Name, to.Revision = from.Name, from.Revision
	return parseHex(field, from.Fingerprint, to.Fingerprint[:])
}

// parseHex fills to with the manifest's hexadecimal.
func parseHex(field, digits string, to []byte) error {
	bytes, err := hex.DecodeString(digits)
	if err != nil || len(bytes) != len(to) {
		return fmt.Errorf("the manifest's %s is not %d bytes in hexadecimal: %q", field, len(to), digits)
	}
	copy(to, bytes)
	return nil
}
