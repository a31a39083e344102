package s3rules

// CheckDirectories refuses a new key that is a directory of an existing one or
// has an existing one as a directory: servers on file systems refuse it too, and
// others leave one of the two out of listings. has reports whether a key exists,
// under whether a key with a prefix does.
func CheckDirectories(key string, has, under func(string) bool) error {
	for i := range len(key) {
		if key[i] == '/' && has(key[:i]) {
			return Refused("put", key, "ObjectParentIsFile", 409, "a leading part of the key is itself the key of an object")
		}
	}
	if under(key + "/") {
		return Refused("put", key, "ExistingObjectIsDirectory", 409, "the key is a leading part of the key of another object")
	}
	return nil
}
