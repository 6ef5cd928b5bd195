--[[
  The owner's keys live as long as the last of the records, those of the parts (KEYS[2] and KEYS[3]) as long as the
  upload's own; all `margin` ms longer. KEYS[5] has the owner's entries, by the end of the record.
]]
local function keepKeys(record, margin)
  redis.call('ZADD', KEYS[5], record.keepUntil, record.entry)
  local last = redis.call('ZREVRANGE', KEYS[5], 0, 0, 'WITHSCORES')[2]
  for i, key in ipairs(KEYS) do
    local ends = (i == 2 or i == 3) and record.keepUntil or tonumber(last)
    redis.call('PEXPIREAT', key, ends + tonumber(margin))
  end
end
