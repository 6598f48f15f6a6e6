package lwp

// Resources are what a reader has beside its packets.
type Resources struct {
	// Dictionaries for zstd by the first 16 bytes of the BLAKE3 of their bytes.
	Dictionaries map[Fingerprint][]byte
	// Route is that of a compact packet, which names no resource itself.
	Route *Route
}

// dictionary gives the one that the payload of latents needs.
func (r Resources) dictionary(l *Latents) ([]byte, error) {
	fingerprint := l.Resource
	if fingerprint == nil && r.Route != nil {
		fingerprint = r.Route.Dictionary
	}
	if fingerprint == nil {
		return nil, refuse(LatentsResource, l.payloadAt, "a route with a dictionary", "none")
	}
	dictionary, here := r.Dictionaries[*fingerprint]
	if !here {
		return nil, refuse(LatentsResource, l.payloadAt, "a dictionary that is here", "%v", fingerprint)
	}
	return dictionary, nil
}
