package s3db

import (
	"strconv"
	"testing"
)

func BenchmarkZFields(b *testing.B) {
	var c codecRun
	v := someOrder()
	for b.Loop() {
		c.e.reset(nil)
		encodeOrder(&c.e, v)
		c.e.fields()
	}
}
func BenchmarkZEncodeOnly(b *testing.B) {
	var c codecRun
	v := someOrder()
	for b.Loop() {
		c.e.reset(nil)
		encodeOrder(&c.e, v)
	}
}
func BenchmarkZMap(b *testing.B) {
	var c codecRun
	v := someOrder()
	c.e.reset(nil)
	encodeOrder(&c.e, v)
	f := c.e.fields()
	for b.Loop() {
		m := make(map[string]string, 11)
		m["s"] = "1-0"
		for i := range f {
			m[strconv.Itoa(f[i].number)] = f[i].wire
		}
	}
}
func BenchmarkZObject(b *testing.B) {
	var c codecRun
	c.encode(someOrder())
	for b.Loop() {
		c.r.object()
	}
}
func BenchmarkZParse(b *testing.B) {
	var c codecRun
	body, m := c.encode(someOrder())
	o := &Object{Body: body, Metadata: m}
	for b.Loop() {
		parseRecord(o)
	}
}
func BenchmarkZParseMeta(b *testing.B) {
	var c codecRun
	_, m := c.encode(someOrder())
	for b.Loop() {
		r := &record{}
		r.parseMetadata(m)
	}
}
func BenchmarkZParseBody(b *testing.B) {
	var c codecRun
	body, _ := c.encode(someOrder())
	for b.Loop() {
		r := &record{}
		r.parseBody(string(body))
	}
}
func BenchmarkZDecode(b *testing.B) {
	var c codecRun
	body, m := c.encode(someOrder())
	o := &Object{Body: body, Metadata: m}
	r, _ := parseRecord(o)
	for b.Loop() {
		c.d.reset(r, nil)
		var v order
		decodeOrder(&c.d, &v)
	}
}
