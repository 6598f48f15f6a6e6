module latentwire/conformance

go 1.26.0

require (
	filippo.io/edwards25519 v1.2.0
	github.com/klauspost/compress v1.20.3
	golang.org/x/crypto v0.59.0
	lukechampine.com/blake3 v1.4.1
)

require (
	github.com/klauspost/cpuid/v2 v2.0.9 // indirect
	golang.org/x/sys v0.50.0 // indirect
)
