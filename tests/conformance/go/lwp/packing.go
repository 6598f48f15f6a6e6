package lwp

import "fmt"

// Codes are packed from the lowest bit on, and every row begins at a new byte (section 6.1).

// packedRow is the length of a row of packed codes in bytes.
func packedRow(codes uint64, bits int) uint64 { return (codes*uint64(bits) + 7) / 8 }

// unpack fills codes with a row of at most 16 bits each.
func unpack(codes []uint16, row []byte, bits int) {
	var window, held uint32 // the low bits of window that are held have not been taken
	next := 0
	for i := range codes {
		for held < uint32(bits) {
			window |= uint32(row[next]) << held
			next++
			held += 8
		}
		codes[i] = uint16(window & (1<<bits - 1))
		window >>= bits
		held -= uint32(bits)
	}
}

// pack fills a row with codes of at most 16 bits each, and the bits that none takes with 0.
func pack(row []byte, codes []uint16, bits int) {
	var window, held uint32 // the low bits of window that are held have not been written
	next := 0
	for _, code := range codes {
		window |= uint32(code) << held
		for held += uint32(bits); held >= 8; held -= 8 {
			row[next] = byte(window)
			next++
			window >>= 8
		}
	}
	if held > 0 {
		row[next] = byte(window)
	}
}

// checkPadding expects the bits of the row's last byte that no code takes to be 0. The row begins at
// a place in the raw payload.
func checkPadding(raw raw, at int, row []byte, codes, bits int) error {
	taken := codes * bits % 8
	last := len(row) - 1
	if taken != 0 && row[last]>>taken != 0 {
		return refuse(LatentsPadding, raw.offset(at+last), fmt.Sprintf("zeros above the lowest %d bits", taken),
			"%08b", row[last])
	}
	return nil
}
