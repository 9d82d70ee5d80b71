package notify

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// Webhook is an address that gets a POST request. It may be a secret, so no
// error has it.
type Webhook struct {
	URL      string
	Template Template
	Timeout  time.Duration // of each try; zero: 10 s
	// Wait is how long to wait before the second of three tries, and three times
	// as long before the third. Zero: a second.
	Wait time.Duration
}

// tries is how often a request is sent where nobody answers, or the receiver
// says that it is its own fault or that there were too many.
const tries = 3

// CheckURL refuses an address that no request can be sent to, without naming it.
func CheckURL(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return errors.New("it is no address")
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("it does not begin with https:// or http://")
	case u.Host == "":
		return errors.New("it names no host")
	}
	return nil
}

// Send sends the facts.
func (w Webhook) Send(ctx context.Context, f Facts) error {
	if err := CheckURL(w.URL); err != nil {
		return err
	}
	body, err := w.Template.body(f)
	if err != nil {
		return err
	}
	wait := cmp.Or(w.Wait, time.Second)
	for try := 1; ; try++ {
		again, err := w.post(ctx, body)
		if err == nil || !again || ctx.Err() != nil {
			return err
		}
		if try == tries {
			return fmt.Errorf("%w, %d times", err, tries)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
			wait *= 3
		}
	}
}

// post sends a request once; again: another try may help.
func (w Webhook) post(ctx context.Context, body []byte) (again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(w.Timeout, 10*time.Second))
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("it is no address")
	}
	kind := "text/plain; charset=utf-8"
	if json.Valid(body) {
		kind = "application/json"
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "autochrome")
	answer, err := client.Do(r)
	if u := new(url.Error); errors.As(err, &u) {
		err = u.Err // without the address
	}
	if err != nil {
		return true, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 64<<10)) // so that the connection can be used again
	switch s := answer.StatusCode; {
	case s >= 200 && s <= 299:
		return false, nil
	default:
		return s >= 500 || s == http.StatusTooManyRequests, fmt.Errorf("the answer is %d %s", s, http.StatusText(s))
	}
}

// client follows no redirection: the facts go where they were meant to go.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
