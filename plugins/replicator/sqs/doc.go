// Package sqs replicates changes as messages to queues of Amazon SQS, in the format of
// s3db.js:
//
//	{"resource":"users","action":"update",
//	 "before":{"_v":0,"id":"user-001","name":"John","age":30},
//	 "data":{"_v":1,"id":"user-001","name":"John","age":31},
//	 "timestamp":"2024-01-01T10:05:00.000Z","source":"s3db-replicator"}
//
// A FIFO queue keeps the messages of each document in the order of its changes: it is a
// group of its own, and no two of its messages are on the way at once, so that one that
// fails holds back those after it. A message that is sent again within five minutes is
// dropped by the queue. A standard queue does neither; there, and after five minutes,
// consumers compare the message attribute "seq", which sorts as changes do.
//
//	target, err := sqs.New(ctx, sqs.Config{
//		Queues:          map[string]string{"users": "https://sqs.us-east-1.amazonaws.com/123456789012/users.fifo"},
//		DefaultQueueURL: "https://sqs.us-east-1.amazonaws.com/123456789012/others.fifo",
//	})
//
// The principal needs sqs:SendMessage and sqs:GetQueueAttributes on the queues.
package sqs
