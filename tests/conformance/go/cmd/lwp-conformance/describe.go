package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"latentwire/conformance/lwp"
)

// describe decodes the packet in a file and writes it down as the manifest does: the packet, its
// header, every tensor in order, then the bodies of the other sections.
func (c *checker) describe(file string, routes map[uint32]lwp.Route) (*validVector, error) {
	bytes, err := c.read(file)
	if err != nil {
		return nil, err
	}
	resources := c.resources
	packet, err := lwp.Decode(bytes, c.limits)
	if err != nil {
		return nil, err
	}
	described := &validVector{
		Version:  fmt.Sprintf("%d.%d", packet.Major, packet.Minor),
		Sections: describeSections(packet.Sections),
	}
	if err := describeHeader(described, packet, routes); err != nil {
		return nil, err
	}
	if packet.Compact != nil {
		route := routes[packet.Compact.Route]
		resources.Route = &route
	}
	for _, latents := range packet.Latents {
		values, err := latents.Values(c.limits, resources)
		if err != nil {
			return nil, err
		}
		described.Tensors = append(described.Tensors, describeTensor(latents, values, described.Route))
	}
	return described, readBodies(packet.Sections, c.limits)
}

// readBodies reads the sections whose bodies the specification describes, at last whether literals
// stand in the text.
func readBodies(sections []lwp.Section, limits lwp.Limits) error {
	var literals []lwp.Literal
	var text *string
	for _, s := range sections {
		var err error
		switch s.Type {
		case lwp.TypeLiterals:
			literals, err = s.Literals(limits)
		case lwp.TypeText:
			text = new(string)
			*text, err = s.Text(limits)
		case lwp.TypeAnswerSpace:
			_, err = s.AnswerSpace(limits)
		case lwp.TypeMetadata:
			_, err = s.Metadata(limits)
		case lwp.TypeTrace:
			_, err = s.Trace()
		}
		if err != nil {
			return err
		}
	}
	if text == nil {
		return nil
	}
	return lwp.CheckSource(literals, *text)
}

// describeHeader writes down the header, or what the compact header of a packet stands for.
func describeHeader(described *validVector, packet *lwp.Packet, routes map[uint32]lwp.Route) error {
	header := packet.Header
	if compact := packet.Compact; compact != nil {
		resolved, err := compact.Resolve(routes)
		if err != nil {
			return err
		}
		header = resolved
		described.Route = describeRoute(compact.Route, routes[compact.Route])
	}
	described.MessageID = header.MessageID.String()
	described.Sender = *describeModel(&header.Sender)
	described.Receiver = describeModel(header.Receiver)
	described.Space = space{header.Space.Fingerprint.String(), header.Space.Name}
	return nil
}

func describeRoute(id uint32, r lwp.Route) *route {
	described := &route{ID: id, MessagePrefix: hex.EncodeToString(r.MessagePrefix[:])}
	for _, named := range []struct {
		fingerprint *lwp.Fingerprint
		described   *string
	}{{r.Codebook, &described.Codebook}, {r.Dictionary, &described.Dictionary}, {r.Tables, &described.Tables}} {
		if named.fingerprint != nil {
			*named.described = named.fingerprint.String()
		}
	}
	return described
}

func describeModel(m *lwp.Model) *model {
	if m == nil {
		return nil
	}
	return &model{m.Fingerprint.String(), m.Name, m.Revision}
}

// compressions has the manifest's names for the stages.
var compressions = map[lwp.Stage]string{
	lwp.Stored: "none", lwp.Zstd: "zstd", lwp.ZstdDictionary: "zstd-dictionary", lwp.Entropy: "entropy",
}

func describeTensor(latents *lwp.Latents, values lwp.Values, route *route) tensor {
	described := tensor{
		Name:        latents.Name,
		Encoding:    latents.Encoding.String(),
		Compression: compressions[latents.Stage],
		Shape:       latents.Shape,
		Scales:      describeScales(latents.Scales),
		Latents:     describeNumbers(values.Numbers),
	}
	if latents.Resource != nil {
		fingerprint := latents.Resource.String()
		described.Resource = &fingerprint
	}
	for _, index := range values.Indices {
		described.Codes = append(described.Codes, uint32(index))
	}
	if codebook := latents.Codebook; codebook != nil {
		described.Size = codebook.Size
		if codebook.Fingerprint != nil {
			described.Codebook = codebook.Fingerprint.String()
		} else {
			described.Codebook = route.Codebook
		}
	}
	return described
}

func describeScales(s *lwp.Scales) *scales {
	if s == nil {
		return nil
	}
	described := &scales{Granularity: s.Granularity.String(), Width: "f16", Asymmetric: s.Asymmetric}
	if s.Wide {
		described.Width = "f32"
	}
	if s.Granularity == lwp.ByGroup {
		described.Group = &s.Group
	}
	return described
}

func describeSections(sections []lwp.Section) []section {
	described := []section{} // as JSON has it: empty, not missing
	for _, s := range sections {
		described = append(described, section{s.Type, hex.EncodeToString(s.Body)})
	}
	return described
}

func describeNumbers(numbers []float32) string {
	bytes := make([]byte, 0, 4*len(numbers))
	for _, number := range numbers {
		bytes = binary.LittleEndian.AppendUint32(bytes, math.Float32bits(number))
	}
	return hex.EncodeToString(bytes)
}
