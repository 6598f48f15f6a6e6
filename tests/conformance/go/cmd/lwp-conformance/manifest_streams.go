package main

// stream is a file of packets and the index that belongs to it.
type stream struct {
	File  string `json:"file"`
	Index string `json:"index"`
	Parts []part `json:"parts"`
}

// part is a sound packet or a damage.
type part struct {
	Begin  int     `json:"begin"`
	End    int     `json:"end"`
	Damage *damage `json:"damage"`
}

type damage struct {
	Error  string `json:"error"`
	Offset *int   `json:"offset"`
	Torn   bool   `json:"torn"`
}

// index is one that is taken for that of a stream.
type index struct {
	File     string  `json:"file"`
	Stream   string  `json:"stream"`
	Extended *string `json:"extended"`
	outcome
}
