package publisher

import "context"

// ComeOut is what the end of a release's embargo sets off.
func (p *Publisher) ComeOut(ctx context.Context, id string) error {
	return p.comeOutOnce(As(ctx, scheduler), id)
}
