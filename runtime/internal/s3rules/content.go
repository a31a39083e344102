package s3rules

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"

	s3db "github.com/s3dbgen/s3dbgen/runtime"
)

// MaxParts is the number of parts that an upload may have (AWS, "Amazon S3
// multipart upload limits").
const MaxParts = 10_000

// Stretch returns the ends of a stretch of an object of this size. As on servers,
// one that is empty or not within the object is refused.
func Stretch(op, key string, offset, length, size int64) (from, to int64, err error) {
	if offset == 0 && length < 0 {
		return 0, size, nil
	}
	if length < 0 {
		length = size - offset
	}
	if offset < 0 || length <= 0 || offset > size-length {
		return 0, 0, Refused(op, key, "InvalidRange", 416, fmt.Sprintf("%d bytes from %d on of an object that has %d", length, offset, size))
	}
	return offset, offset + length, nil
}

// CheckPart refuses a part that a server would refuse.
func CheckPart(op, key string, number int) error {
	if number < 1 || number > MaxParts {
		return refuse(op, key, "InvalidArgument", fmt.Sprintf("part %d; they are numbered from 1 to %d", number, MaxParts))
	}
	return nil
}

// CheckParts refuses to join parts that some server would refuse.
func CheckParts(op, key string, sizes []int64) error {
	if len(sizes) == 0 || len(sizes) > MaxParts {
		return refuse(op, key, "MalformedXML", fmt.Sprintf("%d parts; there must be 1 to %d", len(sizes), MaxParts))
	}
	for i, size := range sizes[:len(sizes)-1] {
		if size < s3db.MinPart {
			return refuse(op, key, "EntityTooSmall", fmt.Sprintf("part %d has %d bytes, all but the last need %d", i+1, size, s3db.MinPart))
		}
		if size != sizes[0] {
			return refuse(op, key, "InvalidPart", "all parts but the last must have the same size, as Cloudflare R2 asks")
		}
	}
	return nil
}

// PartsETag returns the ETag that S3 gives an object of parts with these ETags.
func PartsETag(etags []string) string {
	h := md5.New()
	for _, etag := range etags {
		sum, err := hex.DecodeString(etag[1 : len(etag)-1])
		if err != nil {
			sum = []byte(etag) // an ETag of another kind still tells parts apart
		}
		h.Write(sum)
	}
	return fmt.Sprintf("\"%x-%d\"", h.Sum(nil), len(etags))
}
