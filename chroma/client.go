package chroma

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	chromago "github.com/amikos-tech/chroma-go/pkg/api/v2"
)

// Options say where Chroma is and who asks. Everything but URL has a default.
type Options struct {
	URL      string // http://host:8000; user and password in it are taken as basic authentication
	Tenant   string // default_tenant
	Database string // default_database

	Token       string            // sent as "Authorization: Bearer …"
	TokenHeader string            // sends the token alone in this header instead: X-Chroma-Token
	User        string            // basic authentication, with Password
	Password    string            //
	Headers     map[string]string // sent with every request

	CAFile             string // PEM certificates that are trusted besides the system's
	CertFile, KeyFile  string // PEM certificate of this client
	InsecureSkipVerify bool   // believe any certificate

	// Timeout is how long to wait for the next byte of a request for records:
	// 2 minutes, since Chroma builds a whole answer before it sends the first.
	Timeout time.Duration
	// ControlTimeout is the same for all other requests: 30 seconds.
	ControlTimeout time.Duration
	// Attempts bounds how often a request that changes nothing is sent: 4.
	Attempts int
}

// String shows no secrets.
func (o Options) String() string {
	o = o.withDefaults()
	return fmt.Sprintf("%s, tenant %s, database %s", withoutUser(o.URL), o.Tenant, o.Database)
}

// GoString keeps %#v from showing secrets.
func (o Options) GoString() string { return o.String() }

// Defaults of Options.
const (
	DefaultTenant   = "default_tenant"
	DefaultDatabase = "default_database"
)

func (o Options) withDefaults() Options {
	if o.Tenant == "" {
		o.Tenant = DefaultTenant
	}
	if o.Database == "" {
		o.Database = DefaultDatabase
	}
	if o.Timeout <= 0 {
		o.Timeout = 2 * time.Minute
	}
	if o.ControlTimeout <= 0 {
		o.ControlTimeout = 30 * time.Second
	}
	if o.Attempts <= 0 {
		o.Attempts = 4
	}
	return o
}

// withoutUser drops user, password and query of a URL, however wrong it is.
func withoutUser(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return "(unreadable URL)"
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u.String()
}

// Address gives the address of a server as [Database.URL] tells it, however it is
// spelt: with a scheme, and without user, trailing slash and API path.
func Address(s string) (string, error) {
	o := Options{URL: s}
	return o.baseURL()
}

// baseURL checks the URL and gives it without user, trailing slash and API
// path.
func (o *Options) baseURL() (string, error) {
	s := strings.TrimSpace(o.URL)
	if s == "" {
		return "", errors.New("no address of Chroma given; set --chromadb-url or CHROMADB_URL, for example http://localhost:8000")
	}
	if !strings.Contains(s, "://") {
		s = "http://" + s // localhost:8000
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", errors.New("the address of Chroma is not of the form http://host:port or https://host")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("the address of Chroma, %s, must end with the host or a path", withoutUser(s))
	}
	if u.User != nil && o.User == "" && o.Password == "" {
		o.User = u.User.Username()
		o.Password, _ = u.User.Password()
	}
	u.User = nil
	base := strings.TrimRight(u.String(), "/")
	if strings.HasSuffix(base, "/api/v1") {
		return "", fmt.Errorf("%s names Chroma's old v1 API; give the address without /api/v1", base)
	}
	return strings.TrimSuffix(base, "/api/v2"), nil
}

// header makes the headers that go with every request.
func (o *Options) header() (http.Header, error) {
	h := http.Header{}
	for k, v := range o.Headers {
		h.Set(k, v)
	}
	switch {
	case o.Token != "" && (o.User != "" || o.Password != ""):
		return nil, errors.New("give a token, or a user and a password, but not both")
	case o.Token != "" && o.TokenHeader != "" && !strings.EqualFold(o.TokenHeader, "Authorization"):
		h.Set(o.TokenHeader, o.Token)
	case o.Token != "":
		h.Set("Authorization", "Bearer "+o.Token)
	case o.User != "" || o.Password != "":
		r := http.Request{Header: h}
		r.SetBasicAuth(o.User, o.Password)
	}
	for k, vs := range h {
		for _, v := range vs {
			if strings.ContainsAny(v, "\r\n\x00") {
				return nil, fmt.Errorf("header %q: its value has a line break; is there one at the end of the token?", k)
			}
		}
	}
	h.Set("User-Agent", "autochrome")
	h.Set("Accept", "application/json")
	return h, nil
}

// transport makes the connections.
func (o *Options) transport() (*http.Transport, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext
	t.MaxIdleConnsPerHost = 8
	t.ReadBufferSize = 64 << 10
	t.WriteBufferSize = 64 << 10
	t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: o.InsecureSkipVerify}
	if o.CAFile != "" {
		pem, err := os.ReadFile(o.CAFile)
		if err != nil {
			return nil, fmt.Errorf("CA certificates: %w", err)
		}
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("CA certificates: no PEM certificate in %s", o.CAFile)
		}
		t.TLSClientConfig.RootCAs = pool
	}
	if o.CertFile != "" || o.KeyFile != "" {
		cert, err := tls.LoadX509KeyPair(o.CertFile, o.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("client certificate: %w", err)
		}
		t.TLSClientConfig.Certificates = []tls.Certificate{cert}
	}
	return t, nil
}

// newClient makes a Database that has not been asked anything yet.
func newClient(o Options) (*Database, error) {
	o = o.withDefaults()
	base, err := o.baseURL()
	if err != nil {
		return nil, err
	}
	for what, name := range map[string]string{"tenant": o.Tenant, "database": o.Database} {
		// url.JoinPath inside chroma-go would take these for steps in a path.
		if name == "." || name == ".." {
			return nil, fmt.Errorf("%q is no name of a %s", name, what)
		}
	}
	header, err := o.header()
	if err != nil {
		return nil, err
	}
	transport, err := o.transport()
	if err != nil {
		return nil, err
	}
	d := &Database{options: o, url: base}
	d.client = &http.Client{
		Transport: &wire{base: transport, header: header, url: base},
		// A token must not follow to another place.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	// chroma-go reads CHROMA_TENANT and CHROMA_DATABASE first; what is given
	// here wins. Its names go into paths unescaped, so they are escaped here.
	d.control, err = chromago.NewHTTPClient(
		chromago.WithBaseURL(base),
		chromago.WithHTTPClient(d.client),
		chromago.WithDatabaseAndTenant(url.PathEscape(o.Database), url.PathEscape(o.Tenant)),
	)
	if err != nil {
		return nil, fmt.Errorf("chroma: %w", err)
	}
	return d, nil
}
