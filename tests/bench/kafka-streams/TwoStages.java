import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.Stores;

/**
 * Two stages as laurel has them, exactly once v2 and all else by default: the first passes on what it can read to a topic
 * between them, the second adds up value, count and tier of each customer, and says of each order which it was.
 */
public class TwoStages {
  static final int HEADER_BYTES = 10; // Avro single-object encoding
  static Schema schema;

  /** Arguments: bootstrap, application id, input, topic between the stages, output, folder, file of the order's schema. */
  public static void main(String[] given) throws Exception {
    schema = new Schema.Parser().parse(Files.readString(Path.of(given[6])));
    Properties settings = new Properties();
    settings.put("bootstrap.servers", given[0]);
    settings.put("application.id", given[1]);
    settings.put("state.dir", given[5]);
    settings.put("processing.guarantee", "exactly_once_v2");
    settings.put("auto.offset.reset", "earliest");
    Topology topology = new Topology();
    topology.addSource("orders", new ByteArrayDeserializer(), new ByteArrayDeserializer(), given[2]);
    topology.addProcessor("intake", Intake::new, "orders");
    topology.addSink("appended", given[3], new ByteArraySerializer(), new ByteArraySerializer(), "intake");
    topology.addSource("timeline", new ByteArrayDeserializer(), new ByteArrayDeserializer(), given[3]);
    topology.addProcessor("customers", Customers::new, "timeline");
    topology.addStateStore(
        Stores.keyValueStoreBuilder(Stores.persistentKeyValueStore("s"), Serdes.ByteArray(), Serdes.ByteArray()),
        "customers");
    topology.addSink("decided", given[4], new ByteArraySerializer(), new ByteArraySerializer(), "customers");
    new KafkaStreams(topology, settings).start();
  }

  /** Reads orders as their schema says. */
  static class Reader {
    final GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema);

    GenericRecord read(byte[] value) {
      try {
        return reader.read(
            null,
            DecoderFactory.get().binaryDecoder(value, HEADER_BYTES, value.length - HEADER_BYTES, null));
      } catch (java.io.IOException error) {
        throw new IllegalArgumentException(error);
      }
    }
  }

  static class Intake implements Processor<byte[], byte[], byte[], byte[]> {
    final Reader orders = new Reader();
    ProcessorContext<byte[], byte[]> context;

    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
    }

    public void process(Record<byte[], byte[]> record) {
      orders.read(record.value());
      context.forward(record);
    }
  }

  static class Customers implements Processor<byte[], byte[], byte[], byte[]> {
    final Reader orders = new Reader();
    ProcessorContext<byte[], byte[]> context;
    KeyValueStore<byte[], byte[]> store;

    public void init(ProcessorContext<byte[], byte[]> given) {
      context = given;
      store = given.getStateStore("s");
    }

    public void process(Record<byte[], byte[]> record) {
      GenericRecord order = orders.read(record.value());
      byte[] row = store.get(record.key());
      ByteBuffer before = row == null ? ByteBuffer.allocate(24) : ByteBuffer.wrap(row);
      long value = before.getLong(), count = before.getLong() + 1;
      for (Object line : (List<?>) order.get("lines")) value += (Long) ((GenericRecord) line).get("goods_minor");
      long tier = value < 100_000 ? 0 : value < 250_000 ? 1 : 2;
      store.put(record.key(), ByteBuffer.allocate(24).putLong(value).putLong(count).putLong(tier).array());
      context.forward(record.withValue(order.get("event_id").toString().getBytes(StandardCharsets.UTF_8)));
    }
  }
}
