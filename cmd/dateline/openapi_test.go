package main

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pb33f/jsonschema/v6"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
	options "github.com/pb33f/libopenapi-validator/config"
	"github.com/pb33f/libopenapi-validator/content"
	v3 "github.com/pb33f/libopenapi/datamodel/high/v3"
)

// described is the description of the API, as tests look things up in it.
type described struct {
	doc   libopenapi.Document
	model *v3.Document
	ops   []operation
}

// operation is one of the API, with where it is.
type operation struct {
	*v3.Operation
	method, path string
	shared       []*v3.Parameter // of the path
}

func describe(t testing.TB) *described {
	t.Helper()
	b, err := openAPI(testBase)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := libopenapi.NewDocument(b)
	if err != nil {
		t.Fatal(err)
	}
	model, err := doc.BuildV3Model()
	if err != nil {
		t.Fatal(err)
	}
	d := &described{doc: doc, model: &model.Model}
	for path, item := range model.Model.Paths.PathItems.FromOldest() {
		for method, op := range item.GetOperations().FromOldest() {
			d.ops = append(d.ops, operation{op, strings.ToUpper(method), path, item.Parameters})
		}
	}
	return d
}

// validator holds requests and answers against the description.
func (d *described) validator(t testing.TB) validator.Validator {
	t.Helper()
	v, errs := validator.NewValidator(d.doc, options.WithFormatAssertions(), options.WithBodyDecoder("application/x-ndjson", content.DecoderFunc(decodeLines)))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return v
}

// decodeLines reads lines of JSON as one list.
func decodeLines(in *content.DecodeInput) (any, error) {
	lines := []any{}
	for d := json.NewDecoder(in.Body); d.More(); {
		var v any
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		lines = append(lines, v)
	}
	return lines, nil
}

func (o *operation) route() string { return o.method + " " + o.path }

// parameters are the names of those in the query, the path or the headers.
func (o *operation) parameters(in string) []string {
	var names []string
	for _, p := range slices.Concat(o.shared, o.Parameters) {
		if p.In == in {
			names = append(names, p.Name)
		}
	}
	return names
}

// scope is the one that the operation always needs; empty for none.
func (o *operation) scope(t testing.TB) string {
	t.Helper()
	node := o.Extensions.GetOrZero("x-scope")
	if node == nil {
		return ""
	}
	var scopes []string
	if err := node.Decode(&scopes); err != nil || len(scopes) != 1 {
		t.Fatalf("%s: x-scope is %v, %v", o.route(), scopes, err)
	}
	return scopes[0]
}

func TestOpenAPI_isValid(t *testing.T) {
	d := describe(t)
	if ok, errs := d.validator(t).ValidateDocument(); !ok {
		for _, err := range errs {
			t.Error(err, err.SchemaValidationErrors)
		}
	}
	if server := d.model.Servers[0].URL; server != testBase {
		t.Errorf("the server is at %s, want %s", server, testBase)
	}
	ids := map[string]bool{}
	for _, op := range d.ops {
		if op.OperationId == "" || ids[op.OperationId] || op.Summary == "" || len(op.Tags) == 0 {
			t.Errorf("%s has no id, one of another operation, no summary, or no tag", op.route())
		}
		ids[op.OperationId] = true
	}
}

func TestOpenAPI_examplesFitTheirSchemas(t *testing.T) {
	b, err := openAPI(testBase)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource("openapi.json", doc); err != nil {
		t.Fatal(err)
	}
	checked := map[string]bool{}
	walkExamples(doc, doc, "#", func(at string, example any) {
		schema, err := c.Compile("openapi.json" + at + "/schema")
		if err == nil {
			err = schema.Validate(example)
		}
		if err != nil {
			t.Errorf("%s: %v", at, err)
		}
		checked[at] = true
	})
	if len(checked) < 60 {
		t.Errorf("only %d examples were found", len(checked))
	}
}

// walkExamples visits every example that stands beside a schema, below at.
func walkExamples(doc, v any, at string, visit func(at string, example any)) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			walkExamples(doc, e, at+"/"+strconv.Itoa(i), visit)
		}
	case map[string]any:
		if _, ok := v["schema"]; ok {
			if e, ok := v["example"]; ok {
				visit(at, e)
			}
			examples, _ := v["examples"].(map[string]any)
			for _, e := range examples {
				visit(at, referred(doc, e).(map[string]any)["value"])
			}
		}
		for key, e := range v {
			if key != "example" && key != "examples" && key != "value" {
				walkExamples(doc, e, at+"/"+strings.NewReplacer("~", "~0", "/", "~1", "^", "%5E", "*", "%2A").Replace(key), visit)
			}
		}
	}
}

// referred follows a reference within the document.
func referred(doc, v any) any {
	object, _ := v.(map[string]any)
	ref, ok := object["$ref"].(string)
	if !ok {
		return v
	}
	for _, part := range strings.Split(strings.TrimPrefix(ref, "#/"), "/") {
		doc = doc.(map[string]any)[part]
	}
	return doc
}

// source is what the code of this module says of its API.
type source struct {
	routes []string        // method and path
	names  map[string]bool // words handed to what reads a query
}

// readSource looks through all code but tests.
func readSource(t *testing.T) source {
	t.Helper()
	out := source{names: map[string]bool{}}
	byDir := map[string][]*ast.File{}
	files := token.NewFileSet()
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		byDir[filepath.Dir(path)] = append(byDir[filepath.Dir(path)], f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	route := regexp.MustCompile(`^(GET|POST|PUT|PATCH|DELETE) /api/\S+$`)
	for _, pkg := range byDir {
		consts := constsOf(pkg)
		for _, f := range pkg {
			ast.Inspect(f, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok && readsQuery(call) {
					texts(call, consts, func(s string) { out.names[s] = true })
				}
				return true
			})
			texts(f, consts, func(s string) {
				if route.MatchString(s) {
					out.routes = append(out.routes, s)
				}
			})
		}
	}
	return out
}

// texts visits every constant string below n, one that is put together as a whole.
func texts(n ast.Node, consts map[string]ast.Expr, visit func(string)) {
	ast.Inspect(n, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		s, ok := textOf(e, consts)
		if ok {
			visit(s)
		}
		return !ok
	})
}

// readsQuery reports whether a call hands on names of parameters.
func readsQuery(call *ast.CallExpr) bool {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name == "query"
	case *ast.SelectorExpr:
		return f.Sel.Name == "Query" || f.Sel.Name == "replace"
	}
	return false
}

func constsOf(files []*ast.File) map[string]ast.Expr {
	out := map[string]ast.Expr{}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST {
				for _, s := range g.Specs {
					if v := s.(*ast.ValueSpec); len(v.Values) == len(v.Names) {
						for i, name := range v.Names {
							out[name.Name] = v.Values[i]
						}
					}
				}
			}
		}
	}
	return out
}

// textOf is the value of a constant string.
func textOf(e ast.Expr, consts map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		s, err := strconv.Unquote(e.Value)
		return s, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		if of, ok := consts[e.Name]; ok {
			return textOf(of, consts)
		}
	case *ast.BinaryExpr:
		x, okX := textOf(e.X, consts)
		y, okY := textOf(e.Y, consts)
		return x + y, okX && okY && e.Op == token.ADD
	}
	return "", false
}

func TestOpenAPI_describesEveryRoute(t *testing.T) {
	var want []string
	for _, op := range describe(t).ops {
		want = append(want, op.route())
	}
	got := readSource(t).routes
	for _, route := range want {
		if !slices.Contains(got, route) {
			t.Errorf("%s is described, but nothing serves it", route)
		}
	}
	for _, route := range got {
		if !slices.Contains(want, route) {
			t.Errorf("%s is served, but not described", route)
		}
	}
}

func TestOpenAPI_methodsParametersAndScopes(t *testing.T) {
	d := describe(t)
	s := serveAPI(t, d, nil, apiConfig{})
	draft := s.draft(t, "a draft", "probe:1")
	filled := strings.NewReplacer("releases/{id}", "releases/"+draft, "desk/{id}", "desk/"+draft, "{id}", "none", "{name}", "none", "{about}", "keys")
	keys := map[string]string{"": s.newKey(t, "nothing")}
	for _, op := range d.ops {
		if scope := op.scope(t); scope != "" && keys[scope] == "" {
			keys[scope] = s.newKey(t, "only-"+scope, scope)
		}
	}
	methods := map[string][]string{}
	for _, op := range d.ops {
		methods[op.path] = append(methods[op.path], op.method)
	}

	t.Run("a method that is not described is not possible", func(t *testing.T) {
		for path, allowed := range methods {
			slices.Sort(allowed)
			for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
				if slices.Contains(allowed, method) {
					continue
				}
				a := s.send(t, method, filled.Replace(path), nil, "")
				got := slices.DeleteFunc(strings.Split(a.header.Get("Allow"), ", "), func(m string) bool { return m == http.MethodHead })
				slices.Sort(got)
				if a.status != http.StatusMethodNotAllowed || !slices.Equal(got, allowed) {
					t.Errorf("%s %s: %d, allowed are %v, want 405 and %v", method, path, a.status, got, allowed)
				}
			}
		}
	})

	t.Run("a path that is not described does not exist", func(t *testing.T) {
		for _, path := range []string{"/api/v1", "/api/v1/release", "/api/v1/releases/" + draft + "/publish", "/api/v1/desk/" + draft + "/x", "/api/v1/keys/a/b", "/api/v1/subscriptions/a/b", "/api/v2/releases"} {
			if a := s.send(t, http.MethodGet, path, nil, ""); a.status != http.StatusNotFound {
				t.Errorf("%s answers %d", path, a.status)
			}
		}
	})

	t.Run("who has no key learns nothing", func(t *testing.T) {
		for _, op := range d.ops {
			want := http.StatusUnauthorized
			if op.Security != nil && len(op.Security) == 0 {
				want = http.StatusOK
			}
			for _, auth := range []string{"", "Bearer wrong", "Basic YTpi"} {
				if a := s.send(t, op.method, filled.Replace(op.path), http.Header{"Authorization": {auth}}, ""); a.status != want {
					t.Errorf("%s with %q: %d, want %d", op.route(), auth, a.status, want)
				}
			}
		}
	})

	t.Run("the scope that is described is needed, and is enough", func(t *testing.T) {
		for _, op := range d.ops {
			scope := op.scope(t)
			poor := s.send(t, op.method, filled.Replace(op.path), bearer(keys[""]), "").status
			hidden := poor == http.StatusNotFound && slices.Contains(op.Tags, "desk")
			if refused := poor == http.StatusForbidden || hidden; refused != (scope != "") && !hidden {
				t.Errorf("%s with no scope: %d, described is %q", op.route(), poor, scope)
			}
			rich := s.send(t, op.method, filled.Replace(op.path), bearer(keys[scope]), "").status
			if rich == http.StatusForbidden || scope != "" && hidden && rich == http.StatusNotFound {
				t.Errorf("%s with the scope %q: %d", op.route(), scope, rich)
			}
		}
	})

	t.Run("the parameters that are described are known, and no others", func(t *testing.T) {
		names := readSource(t).names
		names["no-such"] = true
		for _, op := range d.ops {
			for _, name := range op.parameters("query") {
				names[name] = true
			}
		}
		for _, op := range d.ops {
			if op.OperationId == "getDescription" {
				continue
			}
			for name := range maps.Keys(names) {
				a := s.send(t, op.method, filled.Replace(op.path)+"?"+name+"=", nil, "")
				known := !strings.Contains(a.body, fmt.Sprintf(`there is no parameter \"%s\" here`, name))
				if described := slices.Contains(op.parameters("query"), name); known != described || !known && a.status != http.StatusBadRequest {
					t.Errorf("%s?%s: known %t, described %t (%d)", op.route(), name, known, described, a.status)
				}
			}
		}
	})
}

func TestOpenAPI_everyRoleServesIt(t *testing.T) {
	broker := startNATS(t, t.TempDir(), -1)
	startServer(t, t.TempDir(), "--nats-url", broker.ClientURL()) // a role alone waits for the publisher
	s := startServer(t, t.TempDir(), "--nats-url", broker.ClientURL(), "--roles", "feeds")
	if status, header, body := s.fetch(t, openAPIPath); status != http.StatusOK || header.Get("Content-Type") != "application/json" || !json.Valid(body) {
		t.Errorf("a server of feeds alone answers %d %v", status, header)
	}
}
