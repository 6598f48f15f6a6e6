package lwp

// largestCoded is the size of the largest codebook whose indices the entropy coder takes.
const largestCoded = 256

// suitsEntropy says whether the latents have codes that the entropy coder takes.
func suitsEntropy(l *Latents) bool {
	return l.codec.scaled() || l.Codebook != nil && l.Codebook.Size <= largestCoded
}

// restoreEntropy has no tables to offer: the specification does not describe the coder yet.
func restoreEntropy(l *Latents, _ uint64, _ Resources) ([]byte, error) {
	return nil, refuse(LatentsResource, l.payloadAt, "an entropy coder whose tables are here", "%v", l.Resource)
}
