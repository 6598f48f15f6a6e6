package lwp

import "fmt"

// largestCoded is the size of the largest codebook whose indices the entropy coder takes.
const largestCoded = 256

// coded says which symbols stand for the codes of a tensor, and how the codes lie in its raw payload.
type coded struct {
	symbols int    // how many there are
	bits    int    // of a code
	first   int    // the code of symbol 0, in two's complement; the others ascend from it
	before  uint64 // bytes of scales and zero points, which are not coded
}

// suitsEntropy says whether the latents have codes that the entropy coder takes.
func suitsEntropy(l *Latents) bool {
	coded := l.codec.coded(l)
	return coded != nil && coded.symbols <= largestCoded
}

// restoreEntropy gives the raw payload, whose length has been checked against its limit. A row's bits
// that no code takes are 0.
func restoreEntropy(l *Latents, length uint64, resources Resources) ([]byte, error) {
	coded := l.codec.coded(l)
	tables, err := resources.tables(l)
	if err != nil {
		return nil, err
	}
	if !tables.serves(coded.symbols, l.rows(), l.row()) {
		return nil, refuse(LatentsResource, l.payloadAt,
			fmt.Sprintf("tables for %d symbols and the shape %v", coded.symbols, l.Shape),
			"%d models of %d symbols by axis %d", tables.models(), tables.symbols, tables.axis)
	}
	if coded.before > uint64(len(l.payload)) {
		return nil, refuse(LatentsEntropy, l.payloadAt, fmt.Sprintf("%d bytes of scales and zero points", coded.before),
			"%d", len(l.payload))
	}
	before := int(coded.before)
	stream, err := openStream(l.payload[before:], l.payloadAt+before, statesFor(l.elements()))
	if err != nil {
		return nil, err
	}
	content := make([]byte, length)
	copy(content, l.payload[:before])
	if err := l.restoreRows(content[before:], coded, tables, stream); err != nil {
		return nil, err
	}
	return content, stream.close()
}

// restoreRows fills a part of the raw payload with the codes of all rows.
func (l *Latents) restoreRows(to []byte, coded *coded, tables *Tables, stream *stream) error {
	codes := make([]uint16, l.row())
	packed := int(packedRow(l.row(), coded.bits))
	mask := uint16(1<<coded.bits - 1)
	for row := range int(l.rows()) {
		for column := range codes {
			symbol, err := stream.next(tables.model(row, column))
			if err != nil {
				return err
			}
			codes[column] = uint16(symbol+coded.first) & mask
		}
		pack(to[row*packed:(row+1)*packed], codes, coded.bits)
	}
	return nil
}
