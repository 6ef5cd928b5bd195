--[[
  The one place where a record is written, so that no step can forget what it takes of its owner's room.

  The owner's charges are a sorted set: kind, size and id of each upload that takes room, by when that is over.
  Kind c is being opened, r reserved, s stored. The counters, in the hash of the uploads, are the sums over
  exactly the members of that set: they change only where a member comes or goes. cjson keeps 14 digits of a
  number, and no file that S3 takes has a size of more.
]]
local function chargeOf(record, now)
  local state, kind, ends = record.state, 'r', record.keepUntil
  if state == 'creating' then
    kind, ends = record.renewed and 'r' or 'c', math.min(record.leaseUntil, ends)
  elseif state == 'uploading' or state == 'aborting' then
    ends = record.expiresAt
  elseif state == 'completed' or record.standing then
    kind = 's'
  elseif state ~= 'completing' and state ~= 'verifying' then
    return nil
  end
  -- Records of an earlier release have no size.
  if ends <= now or not record.size then return nil end
  return string.format('%s:%.0f:%s', kind, record.size, string.sub(record.entry, 18)), ends
end

local function count(uploads, member, by)
  local kind, size = string.match(member, '^(%a):(%d+)')
  local bytes = string.format('%.0f', by * size)
  if kind == 's' then
    redis.call('HINCRBY', uploads, 'u:stored', bytes)
  else
    redis.call('HINCRBY', uploads, 'u:open', by)
    redis.call('HINCRBY', uploads, 'u:reserved', bytes)
  end
  if kind == 'c' then redis.call('HINCRBY', uploads, 'u:opening', by) end
end

-- Takes out what is over, so that the counters are those of `now`.
local function settleCharges(uploads, charges, now)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', charges, '-inf', now)) do
    redis.call('ZREM', charges, member)
    count(uploads, member, -1)
  end
end

-- `before` is the record as it was, in JSON, or nil; gives the JSON of `record`.
local function save(uploads, charges, before, record, now)
  local was = before and cjson.decode(before)
  local old = was and chargeOf(was, 0)
  local new, ends = chargeOf(record, now)
  if new and redis.call('ZADD', charges, ends, new) == 1 then count(uploads, new, 1) end
  if old and old ~= new and redis.call('ZREM', charges, old) == 1 then count(uploads, old, -1) end
  if was and was.state == 'creating' and record.state ~= 'creating' and not record.renewed then
    local today, day = math.floor(now / 86400000), redis.call('HGET', uploads, 'u:day')
    -- The day never goes back, though the clocks of two processes may differ.
    if not day or tonumber(day) < today then redis.call('HSET', uploads, 'u:day', today, 'u:opened', 0) end
    redis.call('HINCRBY', uploads, 'u:opened', 1)
  end
  local raw = cjson.encode(record)
  redis.call('HSET', uploads, 'r:' .. string.sub(record.entry, 18), raw)
  -- A set that was empty for a moment has lost its end.
  local left = redis.call('PTTL', uploads)
  if new and left > 0 then redis.call('PEXPIRE', charges, left) end
  return raw
end
