package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"text/template"
)

// Template makes the body of a web hook's request of facts.
type Template struct{ t *template.Template }

// defaultText is what Slack, Mattermost and others that take their messages
// understand.
const defaultText = `{"text": {{json .text}}}` + "\n"

// DefaultTemplate is a JSON object with the fact "text" alone.
func DefaultTemplate() Template {
	t, err := ParseTemplate(defaultText)
	if err != nil {
		panic(err) // it is a constant
	}
	return t
}

// ParseTemplate reads a text/template. {{.error}} is the fact of that name, a
// fact that is not there is empty, {{json .error}} is one as a JSON string.
func ParseTemplate(text string) (Template, error) {
	t, err := template.New("").Option("missingkey=zero").Funcs(template.FuncMap{"json": quoted}).Parse(text)
	if err != nil {
		return Template{}, err
	}
	tmpl := Template{t}
	_, err = tmpl.body(Facts{}) // what cannot be carried out is told at once
	return tmpl, err
}

// quoted gives a text as JSON.
func quoted(text string) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(text)
	return string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), err
}

func (t Template) body(f Facts) ([]byte, error) {
	var b bytes.Buffer
	if err := t.t.Execute(&b, f); err != nil {
		return nil, fmt.Errorf("the template: %w", err)
	}
	return b.Bytes(), nil
}
