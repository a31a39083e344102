package s3db

import "reflect"

// addition is the JSON of a change that adds.
type addition[T any] struct {
	Add *T `json:"add"`
}

// adds reports whether T is a [Number], so that the JSON of its changes may add.
func adds[T any]() bool {
	if countable[T]() {
		return true
	}
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Int64, reflect.Float64:
		return true
	default:
		return false
	}
}
