package s3

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/slipway-deploy/slipway/libs/contract"
)

func TestWhereAnObjectIs(t *testing.T) {
	for want, s := range map[string]contract.S3Source{
		"http://127.0.0.1:9000/bucket/a%20b/%C3%BC%2B.tgz":       {Endpoint: "http://127.0.0.1:9000", Bucket: "bucket", Key: "a b/ü+.tgz"},
		"https://bucket.s3.eu-central-1.amazonaws.com/key":       {Endpoint: "https://s3.eu-central-1.amazonaws.com/", Bucket: "bucket", Key: "key"},
		"https://s3.eu-central-1.amazonaws.com/bucket.dotted/kk": {Endpoint: "https://s3.eu-central-1.amazonaws.com", Bucket: "bucket.dotted", Key: "kk"},
		"http://a/b/c%3Fd%23e":                                   {Endpoint: "http://a", Bucket: "b", Key: "c?d#e"},
	} {
		require.Equal(t, want, FileOf(s, contract.SourceCredential{}).URL)
	}
}

func TestASignatureIsOfTheKeyAndTheRegionAndHoldsNoSecret(t *testing.T) {
	s := contract.S3Source{Endpoint: "http://a", Bucket: "b", Key: "c"}
	require.Nil(t, FileOf(s, contract.SourceCredential{}).Sign, "anybody may ask")
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a/b/c", nil)
	require.NoError(t, err)
	FileOf(s, contract.SourceCredential{AccessKey: "AK", SecretKey: "s3cret", SessionToken: "st"}).Sign(req)
	require.Regexp(t, `^AWS4-HMAC-SHA256 Credential=AK/\d{8}/us-east-1/s3/aws4_request, SignedHeaders=.*, Signature=[0-9a-f]{64}$`, req.Header.Get("Authorization"))
	require.Equal(t, "st", req.Header.Get("X-Amz-Security-Token"))
	require.NotContains(t, req.Header.Get("Authorization"), "s3cret")
}

func TestTheCodeOfAnErrorIsFound(t *testing.T) {
	require.Equal(t, "NoSuchKey", explain([]byte(`<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>x</Message></Error>`)))
	require.Empty(t, explain([]byte("<Code>not one, but a sentence</Code>")))
	require.Empty(t, explain(nil))
}
