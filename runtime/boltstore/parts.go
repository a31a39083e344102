package boltstore

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"time"

	bolt "go.etcd.io/bbolt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// A large object is in parts, each of them in chunks, so that no more than one chunk
// is in memory when it is read, and bbolt, which keeps two values and more on a page,
// writes no more than needed. They are in the bucket "uploads", where the upload
// that wrote them has put them, and stay there when it is complete:
//
//	<upload>                   version of the value: 1; 8 bytes time of the beginning,
//	                           nanoseconds since 1970; the key of the object to be.
//	                           Gone when the upload is over
//	<upload>/<number>          16 bytes MD5 of the part, 8 bytes its size
//	<upload>/<number><chunk>   4 bytes CRC-32C of what follows; up to 512 KiB of the part
//
// An upload is named by 8 bytes in hexadecimal, a part and a chunk, which is numbered
// from 0, by 4 bytes each. The value of the object has, in place of the body, varint
// length of the upload's name, the name, varint number of parts, and the varint size
// of each.

const (
	uploadVersion = 1
	uploadKeyAt   = 1 + 8 // of the object's key, in the value of an upload
	partValueSize = md5.Size + 8
	chunkSize     = 512 << 10
	chunkBodyAt   = 4 // in the value of a chunk
)

// parts says where the body of an object is.
type parts struct {
	upload string
	sizes  []int64
}

// size returns the bytes of all parts.
func (p parts) size() (n int64) {
	for _, size := range p.sizes {
		n += size
	}
	return n
}

// append appends p as it is in the value of an object.
func (p parts) append(value []byte) []byte {
	value = binary.AppendUvarint(value, uint64(len(p.upload)))
	value = append(value, p.upload...)
	value = binary.AppendUvarint(value, uint64(len(p.sizes)))
	for _, size := range p.sizes {
		value = binary.AppendUvarint(value, uint64(size)) //nolint:gosec // not negative
	}
	return value
}

// partsOf reads the parts of a value of their version.
func partsOf(value []byte) (parts, error) {
	_, body, err := decodeHeaders(value[headersAt:])
	if err != nil {
		return parts{}, err
	}
	return decodeParts(body)
}

func decodeParts(body []byte) (p parts, err error) {
	name, rest, err := cutText(body)
	if err != nil {
		return parts{}, err
	}
	count, rest, err := cutNumber(rest)
	if err != nil {
		return parts{}, err
	}
	p = parts{upload: string(name), sizes: make([]int64, count)}
	for i := range p.sizes {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > maxBody {
			return parts{}, fmt.Errorf("%w: the parts of the object are cut short", s3db.ErrCorrupt)
		}
		p.sizes[i], rest = int64(size), rest[n:]
	}
	return p, nil
}

// encodeParts returns the value of an object in parts.
func encodeParts(p parts, sums []byte, modified time.Time) []byte {
	value := beginValue(partsVersion, modified, headersAt+len(p.upload)+binary.MaxVarintLen64*(3+len(p.sizes)))
	sum := md5.Sum(sums)
	copy(value[md5At:], sum[:])
	value = binary.AppendUvarint(value, 0) // no metadata
	value = p.append(value)
	binary.BigEndian.PutUint32(value[crcAt:], checksum(value))
	return value
}

func uploadName(number uint64) string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, number))
}

func partKey(upload string, number int) []byte {
	key := append([]byte(upload), '/')
	return binary.BigEndian.AppendUint32(key, uint32(number)) //nolint:gosec // at most 10,000
}

func chunkKey(upload string, number, chunk int) []byte {
	return binary.BigEndian.AppendUint32(partKey(upload, number), uint32(chunk)) //nolint:gosec // at most maxBody/chunkSize
}

// part is a part as it is stored.
type part struct {
	value  []byte
	chunks [][]byte
}

// encodePart copies a part.
func encodePart(body []byte) part {
	sum := md5.Sum(body)
	p := part{value: binary.BigEndian.AppendUint64(sum[:], uint64(len(body)))}
	for len(body) > 0 {
		n := min(len(body), chunkSize)
		chunk := append(make([]byte, chunkBodyAt, chunkBodyAt+n), body[:n]...)
		binary.BigEndian.PutUint32(chunk, chunkChecksum(chunk))
		p.chunks, body = append(p.chunks, chunk), body[n:]
	}
	return p
}

// put stores a part, in place of one that was there.
func (p part) put(uploads *bolt.Bucket, upload string, number int) error {
	if err := removeFrom(uploads, partKey(upload, number), partKey(upload, number+1)); err != nil {
		return err
	}
	for i, chunk := range p.chunks {
		if err := uploads.Put(chunkKey(upload, number, i), chunk); err != nil {
			return err
		}
	}
	return uploads.Put(partKey(upload, number), p.value)
}

func chunkChecksum(value []byte) uint32 {
	return crc32.Checksum(value[chunkBodyAt:], crc32.MakeTable(crc32.Castagnoli))
}

// decodePart reads the ETag and the size of a part.
func decodePart(value []byte) (etag string, size int64, ok bool) {
	if len(value) != partValueSize {
		return "", 0, false
	}
	n := binary.BigEndian.Uint64(value[md5.Size:])
	return `"` + hex.EncodeToString(value[:md5.Size]) + `"`, int64(n), n <= maxBody //nolint:gosec // compared
}

// readChunk returns a chunk of a part as it is in the file.
func readChunk(uploads *bolt.Bucket, upload string, number, chunk int) ([]byte, error) {
	var value []byte
	if uploads != nil {
		value = uploads.Get(chunkKey(upload, number, chunk))
	}
	if value == nil {
		return nil, s3db.ErrNotFound // the object is gone, and its parts with it
	}
	if len(value) <= chunkBodyAt || binary.BigEndian.Uint32(value) != chunkChecksum(value) {
		return nil, fmt.Errorf("%w: chunk %d of part %d of the object is damaged", s3db.ErrCorrupt, chunk, number)
	}
	return value[chunkBodyAt:], nil
}

// readParts returns the body of an object in parts.
func readParts(objects *bolt.Bucket, value []byte) ([]byte, error) {
	p, err := partsOf(value)
	if err != nil {
		return nil, err
	}
	uploads := uploadsOf(objects)
	body := make([]byte, 0, p.size())
	for i, size := range p.sizes {
		for at := int64(0); at < size; at += chunkSize {
			chunk, err := readChunk(uploads, p.upload, i+1, int(at/chunkSize))
			if err != nil {
				return nil, fmt.Errorf("%w: part %d of the object: %w", s3db.ErrCorrupt, i+1, err)
			}
			body = append(body, chunk...)
		}
	}
	return body, nil
}

// removeParts removes the parts of a value, if it has some. A value that cannot be
// read keeps them.
func removeParts(objects *bolt.Bucket, value []byte) error {
	if len(value) <= headersAt || value[0] != partsVersion {
		return nil
	}
	p, err := partsOf(value)
	if err != nil {
		return nil //nolint:nilerr // nobody can say which they are
	}
	return removeAbove(uploadsOf(objects), p.upload, 0)
}

// removeAbove removes the parts of an upload whose number is above another one.
func removeAbove(uploads *bolt.Bucket, upload string, number int) error {
	if uploads == nil {
		return nil
	}
	return removeFrom(uploads, partKey(upload, number+1), append([]byte(upload), '/'+1))
}

// removeFrom removes the keys from one to below another.
func removeFrom(uploads *bolt.Bucket, from, to []byte) error {
	cursor := uploads.Cursor()
	for key, _ := cursor.Seek(from); key != nil && bytes.Compare(key, to) < 0; key, _ = cursor.Seek(from) {
		if err := uploads.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// uploadsOf returns the bucket of uploads; nil when there never was one.
func uploadsOf(objects *bolt.Bucket) *bolt.Bucket {
	return objects.Tx().Bucket([]byte(uploadsBucket))
}
