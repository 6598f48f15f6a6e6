package lwp

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

// checksumBytes is the length of the checksum that ends a packet.
const checksumBytes = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// verifyChecksum gives the packet without its last 4 bytes if they are its checksum (section 7).
func verifyChecksum(packet []byte) ([]byte, error) {
	at := len(packet) - checksumBytes
	content := packet[:at]
	written := binary.LittleEndian.Uint32(packet[at:])
	if computed := crc32.Checksum(content, castagnoli); computed != written {
		return nil, refuse(ChecksumMismatch, at, fmt.Sprintf("CRC-32C %08X", computed), "%08X", written)
	}
	return content, nil
}

// appendChecksum ends a packet.
func appendChecksum(content []byte) []byte {
	return binary.LittleEndian.AppendUint32(content, crc32.Checksum(content, castagnoli))
}
