package main

import (
	"errors"
	"fmt"
	"path/filepath"

	"latentwire/conformance/lwp"
)

// checkValid decodes a packet and compares everything that the manifest says of it.
func checkValid(folder string, resources lwp.Resources, want validVector) error {
	routes, err := agreedRoutes(&want)
	if err != nil {
		return err
	}
	got, err := describe(filepath.Join(folder, want.File), resources, routes)
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

// checkInvalid expects a packet to be refused by the id of the manifest and at its offset.
func checkInvalid(folder string, resources lwp.Resources, want invalidVector) error {
	_, err := describe(filepath.Join(folder, want.File), resources, nil)
	if err == nil {
		return fmt.Errorf("expected %s, but the packet was read", want.Error)
	}
	var refusal *lwp.Error
	if !errors.As(err, &refusal) {
		return err
	}
	if string(refusal.ID) != want.Error {
		return fmt.Errorf("expected %s, found: %w", want.Error, refusal)
	}
	switch {
	case want.Offset == nil && refusal.Offset != lwp.NoOffset:
		return fmt.Errorf("expected no offset, found: %w", refusal)
	case want.Offset != nil && *want.Offset != refusal.Offset:
		return fmt.Errorf("expected byte %d, found: %w", *want.Offset, refusal)
	}
	return nil
}
