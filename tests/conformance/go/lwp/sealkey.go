package lwp

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"

	"filippo.io/edwards25519"
	"lukechampine.com/blake3"
)

// SealKey is what seals are verified with.
type SealKey struct {
	ID        KeyID
	Algorithm SealAlgorithm

	bytes [32]byte
}

// SharedKey makes a key of [HMACSHA256] or of [KeyedBLAKE3], which both ends have.
func SharedKey(id KeyID, algorithm SealAlgorithm, key [32]byte) SealKey {
	return SealKey{id, algorithm, key}
}

// PublicKey makes a key of [Ed25519]. It refuses bytes that are no point of the curve, and points of
// small order.
func PublicKey(id KeyID, key [32]byte) (SealKey, error) {
	if !isLargePoint(key[:]) {
		return SealKey{}, refuse(SealKeyUnknown, NoOffset, "a public key that is a point, and not one of small order", "%X", key)
	}
	return SealKey{id, Ed25519, key}, nil
}

// isLargePoint says whether bytes are a point of the curve that is not of small order.
func isLargePoint(bytes []byte) bool {
	point, err := new(edwards25519.Point).SetBytes(bytes)
	if err != nil {
		return false
	}
	return new(edwards25519.Point).MultByCofactor(point).Equal(edwards25519.NewIdentityPoint()) == 0
}

// accepts says whether a tag is that of the string M.
func (k *SealKey) accepts(tag, m []byte) bool {
	switch k.Algorithm {
	case HMACSHA256:
		mac := hmac.New(sha256.New, k.bytes[:])
		mac.Write(m)
		return hmac.Equal(mac.Sum(nil), tag)
	case KeyedBLAKE3:
		mac := blake3.New(32, k.bytes[:])
		mac.Write(m)
		return subtle.ConstantTimeCompare(mac.Sum(nil), tag) == 1
	default:
		// The standard library verifies without the cofactor and refuses a number that is not reduced.
		hash := sha256.Sum256(m)
		signed := append([]byte("latentwire:sign1"), hash[:]...)
		return isLargePoint(tag[:32]) && ed25519.Verify(k.bytes[:], signed, tag)
	}
}
