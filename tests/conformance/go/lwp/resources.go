package lwp

// Resources are what a reader has beside its packets, by the first 16 bytes of the BLAKE3 of their
// bytes.
type Resources struct {
	// Dictionaries are for zstd.
	Dictionaries map[Fingerprint][]byte
	// Tables are for the entropy coder.
	Tables map[Fingerprint]*Tables
	// Route is that of a compact packet, which names no resource itself.
	Route *Route
}

// dictionary gives the one that the payload of latents needs.
func (r Resources) dictionary(l *Latents) ([]byte, error) {
	return resource(l, r, "a dictionary", r.Dictionaries)
}

// tables gives those that the payload of latents needs.
func (r Resources) tables(l *Latents) (*Tables, error) {
	return resource(l, r, "entropy tables", r.Tables)
}

// resource gives the one that the latents name, or that the route of their packet does.
func resource[R any](l *Latents, r Resources, what string, here map[Fingerprint]R) (R, error) {
	var none R
	fingerprint, err := l.agreedResource(r.Route)
	if err != nil {
		return none, err
	}
	found, known := here[*fingerprint]
	if !known {
		return none, refuse(LatentsResource, l.payloadAt, what+" that this reader has", "%v", fingerprint)
	}
	return found, nil
}
