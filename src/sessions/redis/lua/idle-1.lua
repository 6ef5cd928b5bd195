--[[
  When the upload is to be given up, if it goes on as it is.

  KEYS[1]  uploads of the owner (hash: "r:" id = record)

  ARGV[1]  id
  ARGV[2]  now, ms since the epoch

  Returns  {'idle', when, ms since the epoch}
           {'free'}  no such record, or one that has ended
]]
local now = tonumber(ARGV[2])
local raw = redis.call('HGET', KEYS[1], 'r:' .. ARGV[1])
local record = raw and cjson.decode(raw)
if not record or record.keepUntil <= now then return { 'free' } end
if record.state == 'uploading' then return { 'idle', record.expiresAt } end
if record.state == 'creating' then return { 'idle', math.max(record.expiresAt, record.leaseUntil) } end
-- What is claimed may be given back.
if record.state == 'completing' or record.state == 'aborting' then
  return { 'idle', math.max(record.leaseUntil, now) + 60000 }
end
return { 'free' }
