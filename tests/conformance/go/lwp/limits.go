package lwp

// Limits bound what a packet may cost its reader. Each is checked before anything of the size in
// question is allocated, decompressed or computed; whoever raises one decides how much memory a
// stranger's packet may take.
type Limits struct {
	// TotalBytes bounds the packet, preamble and checksum included.
	TotalBytes uint64
	// Elements bounds the numbers in the latents.
	Elements uint64
	// Sections bounds the sections.
	Sections int
	// Items bounds the literals, choices or entries of metadata in one section.
	Items int
	// DecompressedBytes bounds the raw payload of a tensor and the text, compressed or not.
	DecompressedBytes uint64
}

// RecommendedLimits gives the limits that section 8 recommends.
func RecommendedLimits() Limits {
	return Limits{
		TotalBytes:        16 << 20,
		Elements:          4 << 20,
		Sections:          64,
		Items:             4096,
		DecompressedBytes: 16 << 20,
	}
}
