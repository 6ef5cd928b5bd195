import { Command, CommanderError, Option } from 'commander'
import type { JanitorFlags } from '../server/janitor-report.js'
import {
  checksumArgument,
  chunkSizeArgument,
  concurrencyArgument,
  metadataArgument,
  portArgument,
} from './arguments.js'
import { type AuditVerifyFlags, auditOwnerCommand, auditVerifyCommand } from './audit-command.js'
import type { CliIo } from './cli-io.js'
import { type DevFlags, devCommand } from './dev-command.js'
import { exitCodeOf, exitCodesHelp, OK, USAGE } from './exit-codes.js'
import { printable } from './printable.js'
import { errorText } from './reporter.js'
import { tokenCommand } from './token-command.js'
import { type UploadFlags, uploadCommand } from './upload-command.js'
import { abortCommand, statusCommand, type UploadIdFlags } from './upload-id-commands.js'
import { programVersion } from './version.js'

/** Runs the program with the arguments after its name, and resolves to its exit code. */
export async function runCli(args: readonly string[], io: CliIo): Promise<number> {
  let exitCode: number = OK
  const program = createProgram(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(withoutIdAsOption(args), { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has said itself what is wrong, or shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? OK : USAGE
    io.stderr.write(`${printable(errorText(error))}\n`)
    return exitCodeOf(error)
  }
}

/** An `upload_id` is 43 characters of base64url, and one in 64 begins as an option does. */
const ID_LIKE_AN_OPTION = /^-[A-Za-z0-9_-]{42}$/

function withoutIdAsOption(args: readonly string[]): string[] {
  const ids = args.filter((arg) => ID_LIKE_AN_OPTION.test(arg))
  if (ids.length === 0) return [...args]
  return [...args.filter((arg) => !ids.includes(arg)), '--', ...ids]
}

/** The commands and their options; `docs/cli.md` is checked against them. */
export function createProgram(io: CliIo, onExitCode: (code: number) => void): Command {
  const program = new Command('partway')
    .description('Resumable uploads straight to an S3 bucket.')
    .version(programVersion())
    .addHelpText('after', `\n${exitCodesHelp()}`)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
  addServe(program, io, onExitCode)
  addDev(program, io, onExitCode)
  addUpload(program, io, onExitCode)
  addStatus(program, io, onExitCode)
  addAbort(program, io, onExitCode)
  addDoctor(program, io, onExitCode)
  addJanitor(program, io, onExitCode)
  addToken(program, io, onExitCode)
  addAudit(program, io, onExitCode)
  return program
}

const SERVE_HELP = `
The settings come from the environment alone; the main ones are
  PARTWAY_BUCKET        name of the bucket (required)
  PARTWAY_SECRET        at least 32 bytes that make the ids of uploads (required)
  PARTWAY_AUTH          how callers show who they are: token, jwt or none, which is the default
  PARTWAY_S3_ENDPOINT   address of the S3 API, where it is not AWS
  PARTWAY_STORE         sqlite:<path> or redis://…
  PARTWAY_HOST          address to listen on, 127.0.0.1 by default
  PARTWAY_PORT          port to listen on, 8000 by default
and the credentials of the AWS SDK (AWS_ACCESS_KEY_ID, …). All of them: docs/configuration.md.`

function addServe(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  program
    .command('serve')
    .description('run the coordinator')
    .addHelpText('after', SERVE_HELP)
    .action(async () => {
      // Loaded here only: an upload needs neither the server nor what it loads.
      const { serve } = await import('../server/serve.js')
      onExitCode(await serve(io.env, io))
    })
}

function addDev(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  program
    .command('dev')
    .description(
      'run it all for development: coordinator, page and a bucket, with nothing to set up',
    )
    .option('--port <port>', 'of the coordinator and the page', portArgument, 8000)
    .option('--bucket-port <port>', 'of the bucket; the one after --port by default', portArgument)
    .option('--dir <folder>', 'where everything is kept', './.partway')
    .action(async (flags: DevFlags) => {
      onExitCode(await devCommand(flags, io))
    })
}

function addUpload(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  withConnection(program.command('upload <file...>'))
    .description('upload files; run it again after an interruption, and it goes on')
    .option('--concurrency <n>', 'parts in flight, 1 to 64', concurrencyArgument, 4)
    .option('--chunk-size <size>', 'bytes of a part, such as 16MiB', chunkSizeArgument)
    .option('--checksum <mode>', 'how the bytes are proven, such as sha256', checksumArgument)
    .addOption(
      new Option(
        '--verify-hash <hash>',
        'have the server read the object and compare its hash',
      ).choices(['sha256', 'md5']),
    )
    .option('--content-type <type>', 'media type of the object')
    .option('--metadata <key=value>', 'kept with the object; may be repeated', metadataArgument)
    .option('--json', 'one JSON object a line on stdout')
    .option('--quiet', 'nothing but errors, and the result')
    .action(async (files: string[], flags: UploadFlags) => {
      onExitCode(await uploadCommand(files, flags, io))
    })
}

function addStatus(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  withConnection(program.command('status <id>'))
    .description('show how far an upload is')
    .option('--json', 'the reply of the server, on one line')
    .action(async (id: string, flags: UploadIdFlags) => {
      onExitCode(await statusCommand(id, flags, io))
    })
}

function addAbort(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  withConnection(program.command('abort <id>'))
    .description('discard an unfinished upload and its parts')
    .option('--json', 'the reply of the server, on one line')
    .action(async (id: string, flags: UploadIdFlags) => {
      onExitCode(await abortCommand(id, flags, io))
    })
}

function addDoctor(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  program
    .command('doctor')
    .description('ask bucket and store what they can do, with the settings of `serve`')
    .option(
      '--origin <url...>',
      'pages that are to upload; those of PARTWAY_CORS_ORIGINS by default',
    )
    .option('--json', 'one JSON object')
    .action(async (flags: { readonly json?: boolean; readonly origin?: readonly string[] }) => {
      const { doctor } = await import('../server/doctor.js')
      onExitCode(await doctor(io.env, io, flags))
    })
}

function addJanitor(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  program
    .command('janitor')
    .description('give up uploads that nobody goes on with, once, with the settings of `serve`')
    .option('--dry-run', 'only tell what would be given up')
    .option('--orphans', 'remove multipart uploads that no record knows, too')
    .option('--json', 'one JSON object a line on stdout')
    .action(async (flags: JanitorFlags) => {
      const { janitor } = await import('../server/janitor.js')
      onExitCode(await janitor(io.env, io, flags))
    })
}

const TOKEN_HELP = `
The line for the file of tokens (PARTWAY_TOKENS_FILE) goes to stdout, and the token itself to stderr.
It is kept nowhere else. For example:
  partway token ada >> tokens.txt`

function addToken(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  program
    .command('token <owner>')
    .description('make a token for a server with PARTWAY_AUTH=token')
    .addHelpText('after', TOKEN_HELP)
    .action(async (owner: string) => {
      onExitCode(await tokenCommand(owner, io))
    })
}

function addAudit(program: Command, io: CliIo, onExitCode: (code: number) => void): void {
  const audit = program.command('audit').description('look into the audit log of a server')
  audit
    .command('verify <file...>')
    .description('check that nothing was taken out of a log, put in or altered; oldest file first')
    .option('--mixed', 'the lines are among others, as on stdout')
    .option('--contains <hash>', 'one of the records must have this hash, which was noted before')
    .action(async (files: string[], flags: AuditVerifyFlags) => {
      onExitCode(await auditVerifyCommand(files, flags, io))
    })
  audit
    .command('owner <owner>')
    .description('print how an owner is written there, with the settings of `serve`')
    .action(async (owner: string) => {
      onExitCode(await auditOwnerCommand(owner, io))
    })
}

function withConnection(command: Command): Command {
  return command
    .option('--server <url>', 'the coordinator (PARTWAY_SERVER; http://127.0.0.1:8000)')
    .option('--token-file <path>', 'file with the bearer token (else PARTWAY_TOKEN)')
}
