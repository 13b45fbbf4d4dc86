package smtp

import "context"

// Check speaks to the server as Send does, up to and with signing in, and hands over nothing. Every error is an *Error.
func (s *Sender) Check(ctx context.Context) error {
	client, err := s.client()
	if err != nil {
		return &Error{cause: err}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := client.DialWithContext(ctx); err != nil {
		return failure(err)
	}
	_ = client.Close() // the server has said yes; how it says goodbye doesn't matter
	return nil
}
