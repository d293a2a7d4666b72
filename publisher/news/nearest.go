package news

// Nearest returns the candidate that is only a few letters away from name, for
// "perhaps you mean", or "" when none is.
func Nearest(name string, candidates []string) string {
	best, limit := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := Distance(name, c); d < limit {
			best, limit = c, d
		}
	}
	return best
}

// Distance is the Levenshtein distance of two strings: how many bytes to change,
// add or drop. Its cost is the product of their lengths.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
