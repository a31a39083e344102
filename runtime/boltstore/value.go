package boltstore

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"time"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// An object is stored under its key in the bucket "objects", as one value
// (integers are big-endian, "varint" is an unsigned one of encoding/binary):
//
//	 1 byte   version of the value: 1, or 2 when the object is in parts
//	 4 bytes  CRC-32C of all that follows
//	 8 bytes  time of the last change, nanoseconds since 1970
//	16 bytes  MD5 of the body, the ETag
//	varint    number of metadata headers; for each, in the order of the names:
//	          varint length of the name, the name, varint length of the value, the value
//	rest      the body, or where its parts are, see parts.go
//
// bbolt has checksums for its two first pages only, so the value has one.
const (
	valueVersion = 1
	partsVersion = 2
	crcAt        = 1
	modifiedAt   = crcAt + 4
	md5At        = modifiedAt + 8
	headersAt    = md5At + md5.Size
)

// encodeValue returns the value of an object and its ETag. It copies body and
// metadata.
func encodeValue(body []byte, metadata map[string]string, modified time.Time) (value []byte, etag string) {
	names := make([]string, 0, len(metadata))
	size := headersAt + binary.MaxVarintLen32 + len(body)
	for name, text := range metadata {
		names = append(names, name)
		size += len(name) + len(text) + 2*binary.MaxVarintLen32
	}
	slices.Sort(names)
	sum := md5.Sum(body)
	value = beginValue(valueVersion, modified, size)
	copy(value[md5At:], sum[:])
	value = binary.AppendUvarint(value, uint64(len(names)))
	for _, name := range names {
		value = binary.AppendUvarint(value, uint64(len(name)))
		value = append(value, name...)
		value = binary.AppendUvarint(value, uint64(len(metadata[name])))
		value = append(value, metadata[name]...)
	}
	value = append(value, body...)
	binary.BigEndian.PutUint32(value[crcAt:], checksum(value))
	return value, etagOf(value)
}

// beginValue returns a value without checksum, ETag and what follows them, with
// room for size bytes.
func beginValue(version byte, modified time.Time, size int) []byte {
	value := make([]byte, headersAt, size)
	value[0] = version
	binary.BigEndian.PutUint64(value[modifiedAt:], uint64(modified.UnixNano()))
	return value
}

// checksum is the CRC of a value.
func checksum(value []byte) uint32 {
	return crc32.Checksum(value[modifiedAt:], crc32.MakeTable(crc32.Castagnoli))
}

// etagOf returns the ETag of a value that is long enough.
func etagOf(value []byte) string {
	etag := make([]byte, 0, 2*md5.Size+8)
	etag = append(etag, '"')
	etag = hex.AppendEncode(etag, value[md5At:headersAt])
	if value[0] == partsVersion {
		p, err := partsOf(value)
		if err != nil {
			return ""
		}
		etag = strconv.AppendInt(append(etag, '-'), int64(len(p.sizes)), 10)
	}
	return string(append(etag, '"'))
}

// decodeValue returns the object that a value holds, with copies of everything:
// the value itself is gone with its transaction. withBody is what tells Get from
// Head; the body of an object in parts is not in its value.
func decodeValue(value []byte, withBody bool) (*s3db.Object, error) {
	if err := checkValue(value); err != nil {
		return nil, err
	}
	if got, want := checksum(value), binary.BigEndian.Uint32(value[crcAt:]); got != want {
		return nil, fmt.Errorf("%w: the checksum of the object is wrong", s3db.ErrCorrupt)
	}
	metadata, body, err := decodeHeaders(value[headersAt:])
	if err != nil {
		return nil, err
	}
	o := &s3db.Object{Metadata: metadata, ETag: etagOf(value), Size: int64(len(body)), LastModified: modifiedOf(value)}
	if value[0] == partsVersion {
		p, err := decodeParts(body)
		o.Size = p.size()
		return o, err
	}
	if withBody {
		o.Body = append(make([]byte, 0, len(body)), body...)
	}
	return o, nil
}

// decodeItem returns what a listing shows of a value, without its key.
func decodeItem(value []byte) (s3db.ListItem, error) {
	if err := checkValue(value); err != nil {
		return s3db.ListItem{}, err
	}
	size, err := bodySize(value[headersAt:])
	if err == nil && value[0] == partsVersion {
		var p parts
		p, err = partsOf(value)
		size = p.size()
	}
	if err != nil {
		return s3db.ListItem{}, err
	}
	return s3db.ListItem{Size: size, ETag: etagOf(value), LastModified: modifiedOf(value)}, nil
}

// checkValue refuses values that are too short to look at, or of another version.
func checkValue(value []byte) error {
	if len(value) <= headersAt {
		return fmt.Errorf("%w: the object is cut short", s3db.ErrCorrupt)
	}
	if value[0] != valueVersion && value[0] != partsVersion {
		return fmt.Errorf("%w: the object has format %d, this program knows %d", s3db.ErrNewerFormat, value[0], partsVersion)
	}
	return nil
}

func modifiedOf(value []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(value[modifiedAt:]))).UTC()
}

// decodeHeaders reads the metadata and returns what follows it, which is the body.
func decodeHeaders(rest []byte) (metadata map[string]string, body []byte, err error) {
	count, rest, err := cutNumber(rest)
	if err != nil {
		return nil, nil, err
	}
	metadata = make(map[string]string, min(count, 64))
	for range count {
		var name, text []byte
		if name, rest, err = cutText(rest); err != nil {
			return nil, nil, err
		}
		if text, rest, err = cutText(rest); err != nil {
			return nil, nil, err
		}
		metadata[string(name)] = string(text)
	}
	return metadata, rest, nil
}

// bodySize skips the metadata.
func bodySize(rest []byte) (int64, error) {
	count, rest, err := cutNumber(rest)
	for range 2 * count {
		if _, rest, err = cutText(rest); err != nil {
			return 0, err
		}
	}
	return int64(len(rest)), err
}

// cutText reads a text with its length.
func cutText(rest []byte) (text, tail []byte, err error) {
	n, rest, err := cutNumber(rest)
	if err != nil {
		return nil, nil, err
	}
	return rest[:n], rest[n:], nil
}

// cutNumber reads a number of things that follow, each of at least one byte.
func cutNumber(rest []byte) (n uint64, tail []byte, err error) {
	n, size := binary.Uvarint(rest)
	if size <= 0 || n > uint64(len(rest)-size) {
		return 0, nil, fmt.Errorf("%w: the metadata of the object is cut short", s3db.ErrCorrupt)
	}
	return n, rest[size:], nil
}
