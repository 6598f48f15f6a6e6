package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// compare says in what a field differs from the manifest, in the manifest's words.
func compare(field string, want, got any) error {
	if reflect.DeepEqual(want, got) {
		return nil
	}
	return fmt.Errorf("%s: expected %s, found %s", field, asJSON(want), asJSON(got))
}

func asJSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil { // every type of the manifest came from JSON
		panic(err)
	}
	return string(text)
}

func compareTensors(want, got []tensor) error {
	if len(want) != len(got) {
		return compare("tensors", len(want), len(got))
	}
	var differences []error
	for i := range want {
		if err := compareTensor(&want[i], &got[i]); err != nil {
			differences = append(differences, fmt.Errorf("tensor %d: %w", i, err))
		}
	}
	return errors.Join(differences...)
}

func compareTensor(want, got *tensor) error {
	return errors.Join(
		compare("name", want.Name, got.Name),
		compare("encoding", want.Encoding, got.Encoding),
		compare("compression", want.Compression, got.Compression),
		compare("shape", want.Shape, got.Shape),
		compare("resource", want.Resource, got.Resource),
		compare("scales", want.Scales, got.Scales),
		compare("codebook", want.Codebook, got.Codebook),
		compare("size", want.Size, got.Size),
		compare("codes", want.Codes, got.Codes),
		compareLatents(want.Latents, got.Latents),
	)
}

// compareLatents compares two series of numbers in hexadecimal, which are too long to print.
func compareLatents(want, got string) error {
	const digits = 8
	if len(want) != len(got) {
		return compare("latents", len(want)/digits, len(got)/digits)
	}
	for i := 0; i < len(want); i += digits {
		number := fmt.Sprintf("latents: number %d", i/digits)
		if err := compare(number, want[i:i+digits], got[i:i+digits]); err != nil {
			return err
		}
	}
	return nil
}
