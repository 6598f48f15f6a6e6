package lwp

import "testing"

func TestVarint(t *testing.T) {
	for _, c := range []struct {
		bytes  string
		number uint32
	}{
		{"\x00", 0},
		{"\x7F", 127},
		{"\x80\x01", 128},
		{"\xAC\x02", 300},
		{"\xFF\xFF\xFF\xFF\x0F", 4294967295},
	} {
		cursor := &cursor{bytes: []byte(c.bytes), short: FieldOverrun}
		number, err := cursor.varint("number")
		if err != nil || number != c.number || cursor.left() != 0 {
			t.Errorf("% X: expected %d, found %d, %v", c.bytes, c.number, number, err)
		}
	}
}

func TestVarintRefusals(t *testing.T) {
	for _, c := range []struct {
		bytes string
		id    ID
	}{
		{"", FieldOverrun},
		{"\x80", FieldOverrun},
		{"\xFF\xFF\xFF\xFF", FieldOverrun},
		{"\x85\x00", VarintNotMinimal},
		{"\x80\x80\x80\x80\x00", VarintNotMinimal},
		{"\x80\x80\x80\x80\x10", VarintOverflow},
		{"\xFF\xFF\xFF\xFF\x7F", VarintOverflow},
		{"\x80\x80\x80\x80\x80", VarintOverflow},
		{"\x80\x80\x80\x80\x80\x00", VarintOverflow},
	} {
		cursor := &cursor{bytes: []byte(c.bytes), base: 100, short: FieldOverrun}
		_, err := cursor.varint("number")
		refused(t, err, c.id, 100)
	}
}
