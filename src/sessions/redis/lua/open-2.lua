--[[
  Takes an upload that its creator has opened at the bucket from `creating` to `uploading`.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)
  KEYS[2]  the owner's charges, by when they are over

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch
  ARGV[3]  fence
  ARGV[4]  S3's UploadId
  ARGV[5]  1 when it was found at the bucket, or 0

  Returns  {'opened'}
           {'refused'}  no such record, another state, or another fence
]]
-- include save.lua
local field, now, fence = 'r:' .. ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local raw = redis.call('HGET', KEYS[1], field)
local record = raw and cjson.decode(raw)

if not record or record.keepUntil <= now then return { 'refused' } end
if record.state ~= 'creating' or record.fence ~= fence then return { 'refused' } end

record.state, record.leaseUntil, record.multipartId = 'uploading', 0, ARGV[4]
if ARGV[5] == '1' then record.adopted = 1 end
save(KEYS[1], KEYS[2], raw, record, now)
return { 'opened' }
