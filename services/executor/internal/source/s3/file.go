package s3

import (
	"cmp"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/minio/minio-go/v7/pkg/s3utils"
	"github.com/minio/minio-go/v7/pkg/signer"

	"github.com/slipway-deploy/slipway/libs/contract"
	"github.com/slipway-deploy/slipway/services/executor/internal/source/web"
)

const (
	defaultRegion = "us-east-1"
	emptySHA256   = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// code finds what went wrong in the body of an error.
var code = regexp.MustCompile(`<Code>([A-Za-z]{1,64})</Code>`)

// FileOf is the object that a source names. Without a credential it is asked for
// as anybody may.
func FileOf(s contract.S3Source, c contract.SourceCredential) web.File {
	f := web.File{Location: contract.Source{S3: &s}.Location(), URL: address(s), Explain: explain}
	if c.AccessKey == "" {
		return f
	}
	f.Sign = func(r *http.Request) {
		r.Header.Set("X-Amz-Content-Sha256", emptySHA256)
		signer.SignV4(*r, c.AccessKey, c.SecretKey, c.SessionToken, cmp.Or(s.Region, defaultRegion)) // puts it into the headers, which the copy shares
	}
	return f
}

// address is the URL of an object: the bucket is a part of the host's name at
// Amazon, where each has one, and a part of the path elsewhere.
func address(s contract.S3Source) string {
	u, err := url.Parse(strings.TrimSuffix(s.Endpoint, "/"))
	if err != nil {
		return s.Endpoint // which no request can be made of
	}
	path := "/" + s.Bucket + "/" + s.Key
	if s3utils.IsVirtualHostSupported(*u, s.Bucket) {
		u.Host, path = s.Bucket+"."+u.Host, "/"+s.Key
	}
	u.Path, u.RawPath = path, s3utils.EncodePath(path)
	return u.String()
}

func explain(body []byte) string {
	if found := code.FindSubmatch(body); found != nil {
		return string(found[1])
	}
	return ""
}
