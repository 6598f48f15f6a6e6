package lwp

import "testing"

// A compact packet names no resource: its route does, or there is none.
func TestResourcesOfARoute(t *testing.T) {
	fingerprint := Fingerprint([]byte(book))
	tables := parsed(t, tablesFile(axisShared, []uint16{2048, 2048}))
	for _, c := range []struct {
		name  string
		stage Stage
		route Route
	}{
		{"dictionary", ZstdDictionary, Route{Dictionary: &fingerprint}},
		{"tables", Entropy, Route{Tables: &fingerprint}},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte{byte(Sign) | byte(c.stage)<<stageShift, 0x04, 8}
			packet := framed(bareFlags, append(compactHeader(), body...))
			decoded, err := Decode(packet, RecommendedLimits())
			if err != nil {
				t.Fatal(err)
			}
			read := func(resources Resources) error {
				_, err := decoded.Latents[0].Values(RecommendedLimits(), resources)
				return err
			}
			end := len(packet) - checksumBytes
			refused(t, read(Resources{}), HeaderRoute, NoOffset)
			refused(t, read(Resources{Route: &Route{}}), HeaderRoute, NoOffset)
			refused(t, read(Resources{Route: &c.route}), LatentsResource, end)
			// With what it needs, the next finding is that there is no payload.
			next := map[Stage]ID{ZstdDictionary: LatentsCompressed, Entropy: LatentsEntropy}[c.stage]
			refused(t, read(Resources{
				Route:        &c.route,
				Dictionaries: map[Fingerprint][]byte{fingerprint: []byte("content")},
				Tables:       map[Fingerprint]*Tables{fingerprint: tables},
			}), next, end)
		})
	}
}
