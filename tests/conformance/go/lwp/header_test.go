package lwp

import "testing"

func TestEveryFieldOfTheHeaderMayRunOut(t *testing.T) {
	header := smallHeader()
	for end := range header {
		if _, err := Decode(framed(0, header[:end]), RecommendedLimits()); err.(*Error).ID != FieldOverrun {
			t.Errorf("a header cut at byte %d: %v", end, err)
		}
	}
}

func TestReceiverMarker(t *testing.T) {
	header := smallHeader()
	const marker = 16 + 16 + 3
	header[marker] = 2
	_, err := Decode(framed(0, header), RecommendedLimits())
	refused(t, err, HeaderReceiver, len(magic)+4+marker)
}
