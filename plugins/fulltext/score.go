package fulltext

import "math"

// The constants of BM25 with the values that Lucene and most others use: how much
// repetition counts, and how much the length of a field.
const (
	bm25K = 1.2
	bm25B = 0.75
)

// statistics are what a score needs to know of all documents together.
type statistics struct {
	docs  int     // their number
	words []int64 // in each field, of all documents
}

// ranking scores documents for the words of one query.
type ranking struct {
	fields  int
	weights []float64 // of each word: its inverse document frequency
	average []float64 // number of words of each field
	most    float64   // what no document reaches
}

// newRanking takes the number of documents that have each word.
func newRanking(s statistics, having []int) ranking {
	r := ranking{fields: len(s.words)}
	for _, total := range s.words {
		r.average = append(r.average, float64(total)/float64(max(s.docs, 1)))
	}
	for _, n := range having {
		weight := math.Log(1 + (float64(s.docs)-float64(n)+0.5)/(float64(n)+0.5))
		r.weights = append(r.weights, weight)
		r.most += weight * (bm25K + 1) * float64(r.fields)
	}
	return r
}

// score is the sum of BM25 over words and fields, as a part of what it would be if
// every word filled every field: in (0,1) when any word is found. counts has the
// occurrences of word i in field f at i*fields+f, lengths the words of each field.
func (r ranking) score(counts, lengths []uint32) float64 {
	sum := 0.0
	for i, weight := range r.weights {
		for f := range r.fields {
			if n := float64(counts[i*r.fields+f]); n > 0 {
				long := bm25K * (1 - bm25B + bm25B*float64(lengths[f])/r.average[f])
				sum += weight * n * (bm25K + 1) / (n + long)
			}
		}
	}
	return sum / r.most
}
