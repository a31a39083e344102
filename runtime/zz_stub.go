package s3db

type Meta struct{}
type IDGenerator func() (string, error)
