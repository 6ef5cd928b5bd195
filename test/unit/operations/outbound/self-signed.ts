import { createPrivateKey, X509Certificate } from 'node:crypto'

/** A certificate of `hooks.test` that nobody but itself has signed, good until 2126. Its key is of use nowhere else. */
export function selfSigned(): { key: string; cert: string } {
  const key = createPrivateKey({
    key: Buffer.from(KEY, 'base64'),
    format: 'der',
    type: 'pkcs8',
  })
  return {
    key: key.export({ format: 'pem', type: 'pkcs8' }).toString(),
    cert: new X509Certificate(Buffer.from(CERTIFICATE, 'base64')).toString(),
  }
}

const KEY =
  'MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg5cLrbMxl+vtRQT8YdWxDZS/3kZ6aTg/S16mXs1nEqr' +
  '+hRANCAAStoBimg6vNs2nq6a1e4lotzQ91gA5qQBh27KDwlPuWtHT6J60KK43Xgagqhquf5Vc2p2aozvvPCT11zJri' +
  'eTJ6'

const CERTIFICATE =
  'MIIBlzCCAT6gAwIBAgIUDA9RqCiq8xADFSoCkamrvNc+nuUwCgYIKoZIzj0EAwIwFTETMBEGA1UEAwwKaG9va3MudG' +
  'VzdDAgFw0yNjExMjMwMzEwMTdaGA8yMTI2MTAzMDAzMTAxN1owFTETMBEGA1UEAwwKaG9va3MudGVzdDBZMBMGByqG' +
  'SM49AgEGCCqGSM49AwEHA0IABK2gGKaDq82zaerprV7iWi3ND3WADmpAGHbsoPCU+5a0dPonrQorjdeBqCqGq5/lVz' +
  'anZqjO+88JPXXMmuJ5MnqjajBoMB0GA1UdDgQWBBTLO/KsCHWXInNvoXgLQwZ+4Jbn9TAfBgNVHSMEGDAWgBTLO/Ks' +
  'CHWXInNvoXgLQwZ+4Jbn9TAPBgNVHRMBAf8EBTADAQH/MBUGA1UdEQQOMAyCCmhvb2tzLnRlc3QwCgYIKoZIzj0EAw' +
  'IDRwAwRAIgbVIAYgMixFhcWmWYK54vYXHO7z+UybTHHrKTS4Nil8MCIDzQ8L/LW42PK6oVlpoeiEnYzaMte69J7b8p' +
  'bB2OUJws'
